"""A target held against the commit that it says it serves, rendered for that."""

from dataclasses import replace

from kpstore.history.snapshot import Snapshot
from kpstore.model.state import State
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets import renderer
from kpstore.targets.rendering import Rendered, When, render_whole
from kpstore.targets.values import Condition, Finding, Marker


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


def expected(target: SiteTarget, made: Rendered, *, deep: bool) -> Rendered:
    """Return what a target must hold: what another version of kp drew stays as it is.

    It is held against its own digests (`deep`: nodes' own files, too). What of it
    isn't whole can't be drawn again: then all of it is to be drawn anew.
    """
    if made.marker.renderer == renderer.name():
        return made
    return target.as_drawn(made, deep=deep) or redrawn(made)


def redrawn(made: Rendered) -> Rendered:
    """Return a rendering that says that this version of kp drew it."""
    return replace(made, marker=replace(made.marker, renderer=renderer.name()))


def compared(
    site: OpenSite, target: SiteTarget, condition: Condition, now: float, *, deep: bool
) -> list[Finding]:
    """Compare a target with what it serves; name what keeps it from being judged."""
    marker = target.marker() if condition not in ("absent", "ahead") else None
    if marker is None:
        return target.damage()
    made = complete(site, target, marker, condition, now)
    found = target.verify(expected(target, made, deep=deep), deep=deep)
    if marker.renderer != renderer.name():
        how = f"kp publish {target.name} --redraw draws it anew"
        found.append(Finding("kp", "older", f"drawn by another version of kp; {how}"))
    return found
