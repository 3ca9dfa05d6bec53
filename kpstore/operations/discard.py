"""`discard`: the caller's draft goes."""

from kpstore.operations.caller import Caller
from kpstore.operations.draft import CallersDraft
from kpstore.operations.session import Session
from kpstore.site.opened import OpenSite


def discard(site: OpenSite, caller: Caller) -> bool:
    """Drop the caller's draft; tell whether there was one."""
    with Session(site, caller).locked():
        return CallersDraft(site, caller).drop()
