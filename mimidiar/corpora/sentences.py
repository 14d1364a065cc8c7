"""Made-up English sentences for the synthetic voices."""

import random

PEOPLE = (
    "the teacher",
    "my sister",
    "an old sailor",
    "the young doctor",
    "our neighbour",
    "the baker",
    "a quiet student",
    "the captain",
)
PAST = (
    "carried",
    "painted",
    "forgot",
    "borrowed",
    "repaired",
    "discovered",
    "counted",
    "admired",
    "dropped",
    "photographed",
    "measured",
    "sold",
)
THINGS = (
    "a wooden chair",
    "seven green apples",
    "the broken clock",
    "two heavy boxes",
    "a letter from Vienna",
    "the yellow bicycle",
    "some fresh bread",
    "an enormous map",
    "the kitchen window",
    "a pair of gloves",
    "nine silver coins",
    "the piano",
)
PLACES = (
    "beside the river",
    "in the market",
    "under the bridge",
    "near the station",
    "on the third floor",
    "behind the theatre",
    "at the edge of the forest",
    "outside the museum",
    "along the harbour",
    "in a narrow street",
)
TIMES = (
    "early on Thursday",
    "before the storm",
    "after a long journey",
    "every winter",
    "just past midnight",
    "during the holidays",
    "while it was raining",
    "in the middle of July",
    "twice a week",
    "shortly after breakfast",
)
FRAMES = (
    "{time}, {who} {did} {what} {place}.",
    "{who} {did} {what}, and {who2} {did2} {what2} {place}.",
    "Did you hear that {who} {did} {what} {time}?",
    "{place}, {who} {did} {what}; {time} nobody noticed.",
    "I was told that {who} {did} {what} {place} {time}.",
)


def make_sentence(rng: random.Random) -> str:
    """One sentence of about ten to twenty words."""
    words = {
        "who": rng.choice(PEOPLE),
        "who2": rng.choice(PEOPLE),
        "did": rng.choice(PAST),
        "did2": rng.choice(PAST),
        "what": rng.choice(THINGS),
        "what2": rng.choice(THINGS),
        "place": rng.choice(PLACES),
        "time": rng.choice(TIMES),
    }
    text = rng.choice(FRAMES).format(**words)
    return text[0].upper() + text[1:]
