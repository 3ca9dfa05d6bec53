"""The reserves of a site: kept by whoever commits, given up by a rollback alone.

The site and each TFTP root have one; in an image tree nothing may lie that nodes
don't need.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Final

from kpstore.disk.reserve import Reserve
from kpstore.errors import KpError
from kpstore.model.state import State
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget

_SHORT: Final = "room is short: the reserve"


def keep(site: OpenSite, state: State, live: Collection[str]) -> None:
    """Make them whole where there is room to spare: the site's and live targets'."""
    found = [reserve_of(t) for t in site.targets(state) if t.name in live]
    for reserve in (site.reserve, *found):
        with suppress(OSError):  # nothing depends on it
            if reserve:
                reserve.keep()


def give_up(site: OpenSite, state: State) -> Iterator[str]:
    """Give up those whose disks are nearly full; say which. The lock is held."""
    for whose, reserve in in_reach(site, state):
        if _given_up(reserve):
            yield f"{_SHORT} of {whose} is given up"


def in_reach(site: OpenSite, state: State) -> Iterator[tuple[str, Reserve]]:
    """Yield the reserves that there should be, each with whose it is.

    Those of targets that are another's, held back or not there are nobody's to touch.
    """
    yield "the site", site.reserve
    main = site.main()
    for target in site.targets(state):
        reserve, condition = reserve_of(target), ""
        with suppress(KpError, OSError):
            condition = target.condition(main.subtree, site.on_main)
        if reserve and condition in ("live", "lagging"):
            yield f"target {target.name}", reserve


def reserve_of(target: SiteTarget) -> Reserve | None:
    """Return a target's reserve; None where it has none."""
    return target.publisher.reserve if target.publisher else None


def _given_up(reserve: Reserve) -> bool:
    with suppress(OSError):
        return reserve.give_up()
    return False
