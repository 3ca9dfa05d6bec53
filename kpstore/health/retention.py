"""What must stay on disk for the way back: the newest good payloads of each image."""

from collections import defaultdict
from typing import NamedTuple

from kpstore.model.state import State


class Good(NamedTuple):
    """A payload that is good, and the revision of the image of which that was said."""

    payload: str
    revision: int


def good_payloads(state: State) -> dict[str, list[Good]]:
    """Return each image's good payloads that the site retains, the newest first.

    One payload may be several images': what is good is good for each of them.
    """
    found: dict[str, list[tuple[str, Good]]] = defaultdict(list)
    for name in state.names("verdict"):
        verdict = state.verdict(name)
        if verdict and verdict.verdict == "good":
            for image, revision in verdict.images.items():
                good = Good(name, int(revision.removeprefix("r")))
                found[image].append((verdict.since, good))
    kept = state.site().retention.known_good
    return {
        image: [good for _, good in sorted(goods, reverse=True)[:kept]]
        for image, goods in found.items()
    }
