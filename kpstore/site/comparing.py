"""A target held against the commit that it says it serves."""

from dataclasses import replace

from kpstore.history.snapshot import Snapshot
from kpstore.model.state import State
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets import renderer
from kpstore.targets.desired import Desired
from kpstore.targets.values import Condition, Finding, Marker


def served_by(
    site: OpenSite, target: SiteTarget, marker: Marker, condition: Condition, now: float
) -> Desired:
    """Return what a target says it serves.

    A live one serves what main says, of which there may be an index. What another
    version of kp drew stays as it is: it is held against its own digests.
    """
    served = site.main()
    if condition != "live":
        served = Snapshot(site.repository, marker.commit)
    state, drawn_by = State(served), renderer.name()
    return Desired(
        state,
        replace(marker, renderer=drawn_by),
        now,
        state.site().retention.grace,
        counted=site.census(served),
        older=None if marker.renderer == drawn_by else marker.renderer,
    )


def compared(
    site: OpenSite, target: SiteTarget, condition: Condition, now: float, *, deep: bool
) -> list[Finding]:
    """Compare a target with what it serves; name what keeps it from being judged.

    Where it differs, it is compared by every node: the index may be what is wrong.
    """
    marker = target.marker() if condition not in ("absent", "ahead") else None
    if marker is None:
        return target.damage()
    desired = served_by(site, target, marker, condition, now)
    found = target.verify(desired, deep=deep)
    if any(each.is_drift for each in found):
        found = target.verify(replace(desired, counted=None), deep=deep)
    if desired.older is not None:
        how = f"kp publish {target.name} --redraw draws it anew"
        found.append(Finding("kp", "older", f"drawn by another version of kp; {how}"))
    return found
