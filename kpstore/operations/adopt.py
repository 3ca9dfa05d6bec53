"""`target adopt`: a target becomes this site's own, whoever's it was."""

from kpstore.errors import NotFound, Refused
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.session import Session
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget


def adopt(site: OpenSite, caller: Caller, name: str) -> list[str]:
    """Make a target this site's own; return what was set aside.

    Refused where it has no path on this server.
    """
    with Session(site, caller).writing():
        target = _target(site, name)
        if target.publisher is None:
            raise Refused(
                f"target {name} has no path on this server",
                hint="name it in kp.toml: a root by its target, a tree by its image",
            )
        return target.adopt(site.found(name, caller.clock()))


def _target(site: OpenSite, name: str) -> SiteTarget:
    found = {target.name: target for target in site.targets(State(site.main()))}
    if name not in found:
        raise NotFound(
            f"no target {name!r} is enabled here",
            hint="kp target list; kp target enable NAME",
        )
    return found[name]
