"""`mimidiar data`: corpora and simulated conversations, stages 0 to 2."""

import inspect

import click

from mimidiar.cli.options import FOLDER, NUMBER, PATH, overrides_argument, path_arguments, sets_option
from mimidiar.corpora import corpora, corpus_function
from mimidiar.job_option import job_option

setting_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Setting of the corpus; repeatable."
)


@click.command()
@click.argument("corpus")
@click.argument("downloads", type=FOLDER, default="downloads", envvar="DIARIZATION_ROOT")
@setting_option
def download(corpus, downloads, settings):
    """Download CORPUS and unpack it into the folder DOWNLOADS/CORPUS. An interrupted download is resumed.

    DOWNLOADS defaults to $DIARIZATION_ROOT, or else to the folder downloads.
    """
    corpus_function("download", corpus)(downloads, settings)


@click.command()
@click.argument("corpus")
@click.argument("out", type=FOLDER)
@click.option("--corpus", "root", type=PATH, help="Folder of the corpus.  [default: by corpus]")
@click.option("--seed", default=0, show_default=True, help="Seed of the speaker split.")
@click.option(
    "--limit-speakers",
    type=NUMBER,
    help="Highest number of speakers for each corpus and split, and of a set of conversations.",
)
@click.option("--downloads", default="downloads", show_default=True, help="Folder of stage 0's downloads.")
@setting_option
def prepare(corpus, out, root, seed, limit_speakers, downloads, settings):
    """Write the sets of CORPUS below the folder OUT and validate them.

    The settings of a corpus are the fields of the dataclass <Corpus>Settings in its file in mimidiar/corpora.
    """
    from mimidiar.corpora.preparation import Preparation

    corpus_function("prepare", corpus)(Preparation(root, out, seed, limit_speakers, downloads, settings))


for _command in (download, prepare):
    _known = ", ".join(corpora(_command.name))
    _command.help = f"{inspect.cleandoc(_command.help or '')}\n\nCorpora: {_known}."


@click.command()
@click.argument("name")
@click.option("--into", type=FOLDER, help="Checkout of mimidiar to write into.  [default: that of this command]")
def new(name, into):
    """Write the skeleton of the dataset NAME: its file in mimidiar/corpora, a test, and a recipe below egs/NAME.

    The skeleton runs at once, on <set>/<recording>.wav and .rttm of the sets train, dev and test. Then adapt the reader
    in the file to the published layout of the corpus. Existing files are not overwritten, and no list needs an entry.
    """
    from mimidiar.cli.report import report
    from mimidiar.corpora.from_template import CHECKOUT, write_dataset

    for path in write_dataset(name, into or CHECKOUT):
        click.echo(f"written: {path}")
    dataset = (into or CHECKOUT) / "egs" / name
    table, results = dataset / "conf" / "table.yaml", dataset / "adapter" / "RESULTS.md"
    report.main([str(table), "--only", "adapter", "--results", str(dataset), "-o", str(results)], standalone_mode=False)
    reader = (into or CHECKOUT) / "mimidiar" / "corpora" / f"{name}.py"
    click.echo(f"next: {dataset}/adapter/run.sh --corpus FOLDER --stage 1 --stop-stage 1")
    click.echo(f"for another layout than <set>/<recording>.wav and .rttm, adapt {reader} and its test")


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--allow-shared", is_flag=True, help="Accept sets that share speakers and recordings.")
def validate(folders, allow_shared):
    """Check set FOLDERS: turns within recordings, audio as stated, UEM, and no speaker in two splits.

    Folders without a set, such as logs, are ignored.
    """
    from mimidiar.data.validation import require_valid, set_folders

    found = set_folders(folders)
    require_valid(found, allow_shared)
    click.echo(f"{len(found)} folder(s) valid: {', '.join(path.name for path in found)}")


@click.command()
@path_arguments("data", "out", kind=FOLDER)
@sets_option
@click.option("--noise", type=FOLDER, help="Noises to add: a set, or a folder of `mimidiar data prepare musan`.")
@click.option("--rirs", type=FOLDER, help="Set of room impulse responses, as of `mimidiar data prepare rirs`.")
@job_option
@overrides_argument
def simulate(data, out, config, noise, rirs, job, overrides):
    """Simulate conversations of the speakers in the prepared sets below DATA, with NeMo's simulator.

    Each set of the configuration is written to OUT/sim_<name>. OVERRIDES are key=value, for example
    sets.train.conversations=10. With --noise or --rirs, sets with a name like train... are augmented: noise, music or
    babble is added to a share of their conversations (augment.noise_share=0.3), and a share is reverberated
    (augment.reverb_share=1). If the corpus names the rooms, each speaker has a position in one of them. The references
    stay the same.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.augmentation import make_augmenter
    from mimidiar.simulation.nemo_sets import simulate_sets
    from mimidiar.simulation.plan import Simulation

    simulation = load_config(Simulation, config, overrides)
    simulate_sets(simulation, data, out, job, make_augmenter(simulation.augment, noise, rirs))


@click.command()
@path_arguments("data", "out")
@sets_option
@click.option("--turns", required=True, type=PATH, help="YAML file of turn statistics.")
@overrides_argument
def from_turns(data, out, config, turns, overrides):
    """Simulate conversations of the speakers in the prepared sets below DATA, by a model of turn-taking.

    Each set of the configuration is written to OUT/talk_<name>. The simulation is that of `mimidiar train --talks`:
    turn statistics, levels, noise, rooms and frequency bands. OVERRIDES are key=value, for example sets.dev.count=10.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.drawn_sets import DrawnConversationSets, write_conversation_sets

    write_conversation_sets(load_config(DrawnConversationSets, config, overrides), turns, data, out)


@click.command()
@path_arguments("refs", "out", kind=FOLDER)
def turn_sequences(refs, out):
    """Write who spoke when in real conversations to OUT/train.rttm, OUT/quick.rttm and OUT/quick_dev.rttm.

    REFS is the folder refs of the mini corpus, with the archives of the references of AMI, PriMock57 and VoxConverse.
    No conversation, and no series of meetings, is in two of the files. Simulated conversations follow their turns;
    those of training follow train.rttm.
    """
    from mimidiar.corpora.turn_sequences import write_sequences

    write_sequences(refs, out)


@click.command()
@path_arguments("data", "out", kind=FOLDER)
@sets_option
@overrides_argument
def mix(data, out, config, overrides):
    """Mix utterances of two speakers from the prepared sets below DATA.

    Each set of the configuration is written to OUT/sim_<name>.

    OVERRIDES are key=value, for example sets.test.count=10.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.drawn_sets import MixtureSets, write_mixture_sets

    write_mixture_sets(load_config(MixtureSets, config, overrides), data, out)


@click.command()
@path_arguments("data", "out")
@click.option("--config", type=PATH, required=True, help="YAML file of a Degradation: conditions by name.")
@click.option("--noise", type=PATH, help="Set of noises, as of `mimidiar data prepare musan`.  [default: pink noise]")
@click.option("--rirs", type=PATH, help="Set of room impulse responses.  [default: simulated rooms]")
@job_option
def degrade(data, out, config, noise, rirs, job):
    """Write the set DATA, degraded by each condition, to OUT/<condition>_<set>, with its trials.

    Utterance names are kept, so the trials of DATA also serve for clean enrolment and degraded test.
    """
    from mimidiar.config import load_config
    from mimidiar.simulation.degradation import Degradation, degrade_set, read_sounds

    degradation = load_config(Degradation, config)
    degradation.check(str(config))
    degrade_set(data, out, degradation, read_sounds(noise, rirs), job)
