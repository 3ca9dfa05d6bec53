"""A target held against the commit that it says it serves, rendered for that."""

from kpstore.history.snapshot import Snapshot
from kpstore.model.state import State
from kpstore.publish.target import Condition, Finding, Marker
from kpstore.rendering import Rendered, When, render_whole
from kpstore.site.opened import OpenSite
from kpstore.targets import SiteTarget


def complete(
    site: OpenSite, target: SiteTarget, marker: Marker, condition: Condition, now: float
) -> Rendered:
    """Render what a target says it serves.

    A live one serves what main says, of which there may be an index.
    """
    served = site.main()
    if condition != "live":
        served = Snapshot(site.repository, marker.commit)
    state = State(served)
    when = When(now, state.site().retention.grace)
    return render_whole(target.spec, state, site.census(served), marker, when)


def compared(
    site: OpenSite, target: SiteTarget, condition: Condition, now: float, *, deep: bool
) -> list[Finding]:
    """Compare a target with what it serves; name what keeps it from being judged."""
    marker = target.marker() if condition not in ("absent", "ahead") else None
    if marker is None:
        return target.damage()
    made = complete(site, target, marker, condition, now)
    return target.verify(made, deep=deep)
