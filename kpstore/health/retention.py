"""What must stay on disk for the way back: the newest good payloads of each image."""

from collections import defaultdict

from kpstore.model.documents import Verdict
from kpstore.model.state import State


def good_verdicts(state: State) -> dict[str, list[Verdict]]:
    """Return each image's newest good verdicts, as many as the site retains."""
    by_image: dict[str, list[Verdict]] = defaultdict(list)
    for name in state.names("verdict"):
        verdict = state.verdict(name)
        if verdict and verdict.verdict == "good":
            by_image[str(verdict.evidence.get("image", ""))].append(verdict)
    kept = state.site().retention.known_good
    return {
        image: sorted(verdicts, key=lambda v: v.since)[-kept:]
        for image, verdicts in by_image.items()
    }


def retained(state: State) -> list[int]:
    """Return the revisions whose states are retained for those payloads."""
    return sorted(
        {
            int(verdict.revision.removeprefix("r"))
            for verdicts in good_verdicts(state).values()
            for verdict in verdicts
        }
    )
