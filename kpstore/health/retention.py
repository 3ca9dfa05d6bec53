"""What must stay on disk for the way back: the newest good payloads of each image."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from kpstore.model.state import State


class Good(NamedTuple):
    """A payload that is good, and a revision in which the image has it.

    That is the newest whose default it is; of one that never was, that of the verdict.
    """

    payload: str
    revision: int


def good_payloads(
    state: State, defaults: Mapping[str, Mapping[str, int]]
) -> dict[str, list[Good]]:
    """Return each image's good payloads that the site retains, the newest first.

    Good is said of content: it counts for every image that is there and was told so,
    or had that payload as its default (`defaults`: image -> payload -> revision).
    """
    verdicts = ((name, state.verdict(name)) for name in state.names("verdict"))
    good = {n: v for n, v in verdicts if v and v.verdict == "good"}
    told: dict[str, dict[str, int]] = defaultdict(dict)
    for name, verdict in good.items():
        for image, revision in verdict.images.items():
            told[image][name] = int(revision.removeprefix("r"))
    kept = state.site().retention.known_good
    found: dict[str, list[Good]] = {}
    for image in state.names("image"):
        had = defaults.get(image, {})
        by_content = {name: had[name] for name in had.keys() & good.keys()}
        goods = [Good(*pair) for pair in (told[image] | by_content).items()]
        newest = sorted(goods, key=lambda g: (good[g.payload].since, g), reverse=True)
        if newest:
            found[image] = newest[:kept]
    return found
