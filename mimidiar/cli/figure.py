"""`mimidiar figure`: figures of scores, measurements and training."""

import functools
from pathlib import Path

import click

from mimidiar.cli.options import PATH, path_arguments, protocol_options
from mimidiar.errors import MimidiarError


def _possible(_context, _option, out):
    """OUT unchanged; a path that cannot be written is refused before anything is read."""
    from mimidiar.figures.style import targets

    targets(out)
    return out


out_option = click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=PATH,
    required=True,
    callback=_possible,
    help="Output: FILE.png, FILE.svg or FILE.pdf; without such a suffix FILE.png and FILE.svg.",
)
title_option = click.option("--title", default="", help="Title of the figure.")


@click.group()
def command():
    """Draw a figure as PNG, SVG or PDF, in colors for color-blind readers.

    The same data give the same bytes. Each kind of figure has its own help:

    \b
    mimidiar figure timeline --help
    """


def drawn(draw):
    """The command of a figure, which `draw` returns: written to -o FILE."""

    @command.command(draw.__name__)
    @out_option
    @functools.wraps(draw)
    def save(out, **options):
        from mimidiar.figures.style import save_figure

        click.echo("written: " + ", ".join(map(str, save_figure(draw(**options), out))))

    return save


def drawn_from_json(draw):
    """The command of a figure from JSON: `draw(values, name)` draws the values of the file `name`."""

    @drawn
    @click.argument("data", metavar="DATA", type=PATH)
    @functools.wraps(draw)
    def read(data):
        from mimidiar.files import read_json

        return draw(read_json(data), str(data))

    return read


@drawn
@click.argument("reference", metavar="REF", type=PATH)
@click.argument("hypothesis", metavar="HYP", type=PATH)
@click.option("--recording", metavar="NAME", help="Recording to draw; needed if REF and HYP contain several.")
@protocol_options
@click.option(
    "--posteriors",
    "folder",
    metavar="DIR",
    type=PATH,
    help="Posteriors to draw as a heat map: a folder of `mimidiar eval infer`, with posteriors.scp and meta.json.",
)
@click.option("--start", metavar="SEC", type=float, help="Start of the drawn part, in seconds.")
@click.option("--end", metavar="SEC", type=float, help="End of the drawn part, in seconds.")
def timeline(reference, hypothesis, recording, uem, collar, skip_overlap, folder, start, end):
    """Draw the turns of one recording in HYP and REF.

    Missed speech, false alarm and confusion have three colors. Each reference speaker has a lane, with the hypothesis
    speaker that the DER pairs with them. The error rates are those of `mimidiar score` for the whole recording, even if
    --start and --end show a part of it.
    """
    from mimidiar.figures.timeline import draw_timeline
    from mimidiar.score.diarization import Protocol
    from mimidiar.score.from_files import find_errors_in_files

    errors = find_errors_in_files(reference, hypothesis, recording, uem, Protocol(collar, skip_overlap))
    posteriors = None if folder is None else _posteriors(folder, errors.recording)
    return draw_timeline(errors, start, end, posteriors)


@drawn
@path_arguments("scores", "trials")
@click.option("--name", metavar="NAME", help="Name of the system of SCORES.  [default: the name of the file]")
@click.option("--system", "more", metavar="NAME=SCORES", multiple=True, help="Another system; repeatable.")
@title_option
def det(scores, trials, name, more, title):
    """Draw DET curves, with the EER marked.

    Miss rate against false acceptance rate on normal deviate scales, for one system or several. SCORES and TRIALS are
    as of `mimidiar verify`, with the same trials for all systems.
    """
    from mimidiar.figures.verification import draw_det
    from mimidiar.score.trials import read_both_kinds
    from mimidiar.score.verification import operating_points

    files = _named_files(name or scores.stem, scores, more)
    listed = read_both_kinds(trials)
    points = {system: operating_points(_scores(file, listed), listed.target) for system, file in files.items()}
    return draw_det(points, title)


@drawn
@path_arguments("scores", "trials")
@title_option
def histogram(scores, trials, title):
    """Draw the score histograms of target and non-target trials, with the threshold at the EER.

    SCORES and TRIALS are as of `mimidiar verify`.
    """
    from mimidiar.figures.verification import draw_histogram
    from mimidiar.score.trials import read_both_kinds

    listed = read_both_kinds(trials)
    return draw_histogram(_scores(scores, listed), listed.target, title)


@drawn
@click.argument("logs", metavar="LOG...", type=PATH, nargs=-1, required=True)
@title_option
def training(logs, title):
    """Draw the training curves of one or several runs.

    Loss, error and learning rate by epoch, the best epoch marked. LOG: the log.jsonl of a model folder, or the folder.
    """
    from mimidiar.figures.training import draw_training, read_training_log, run_names

    return draw_training(dict(zip(run_names(logs), map(read_training_log, logs), strict=True)), title)


@drawn_from_json
def bars(values, name):
    """Draw named values with their intervals, from JSON.

    \b
    {"bars": [{"label": "2 speakers", "value": 41.5, "low": 40, "high": 43}, ...], "ylabel": "...", "title": "..."}

    low and high are optional; a value of null is drawn as "not run".
    """
    from mimidiar.figures.bars import draw_bars
    from mimidiar.figures.documents import parse_bars

    return draw_bars(*parse_bars(values, name))


@drawn_from_json
def progression(values, name):
    """Draw metrics from experiment to experiment, from JSON.

    One panel for each metric:

    \b
    {"steps": [{"label": "Exp 1", "metric": "eer", "value": 35.0, "low": 34.1, "high": 36.0}, ...], "title": "..."}

    `mimidiar report TABLE --format json` writes this JSON from records. Each `series` of the steps is a line.
    """
    from mimidiar.figures.bars import draw_progression
    from mimidiar.figures.documents import parse_steps

    return draw_progression(*parse_steps(values, name))


@drawn_from_json
def depth(values, name):
    """Draw error rates over the taps of an encoder, from JSON.

    One panel for each metric, one line for each series; labels are taps:

    \b
    {"steps": [{"label": "seanet", "metric": "eer", "value": 35.0, "low": 34.1, "high": 36.0, "series": "mimi"}, ...]}

    `mimidiar report TABLE --only taps --format json` writes this JSON from records.
    """
    from mimidiar.figures.depth import draw_depth
    from mimidiar.figures.documents import MOST_OF_DEPTH, parse_steps

    return draw_depth(*parse_steps(values, name, MOST_OF_DEPTH))


@drawn_from_json
def tradeoff(values, name):
    """Draw DER against token drift, from JSON.

    One panel for each set, one point for each system:

    \b
    {"steps": [{"label": "codec trained", "set": "test", "metric": "der", "value": 35.0, "low": 34.1, "high": 36.0},
               {"label": "codec trained", "set": "test", "metric": "token_drift", "value": 20.0}, ...]}

    `mimidiar report TABLE --only unfreeze --format json` writes this JSON from records.
    """
    from mimidiar.figures.tradeoff import draw_tradeoff, parse_points

    return draw_tradeoff(*parse_points(values, name))


def _posteriors(folder, recording):
    """The posteriors of one recording; its speakers have the names of `mimidiar eval binarize`."""
    from mimidiar.evaluation.stored import read_posteriors
    from mimidiar.figures.timeline import Posteriors

    store, meta = read_posteriors(folder)
    matrix = store.read(recording)
    return Posteriors(matrix, meta["frame_hz"], [f"spk{k}" for k in range(matrix.shape[1])])


def _named_files(name, scores, more):
    files = {name: scores}
    for text in more:
        system, equals, file = text.partition("=")
        if not equals or not system or not file:
            raise MimidiarError(f"--system {text}: not of the form NAME=SCORES")
        if system in files:
            raise MimidiarError(f"--system {text}: two systems are called {system!r}; name one otherwise")
        files[system] = Path(file)
    return files


def _scores(file, trials):
    from mimidiar.score.trials import align_scores, read_scores

    return align_scores(read_scores(file), trials, name=str(file))
