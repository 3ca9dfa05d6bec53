"""The room that a rollback finds on a full disk: whether it is kept."""

from collections.abc import Iterator
from typing import Final

from kpstore.model.state import State
from kpstore.queries.doctor.contract import Advice, Visit
from kpstore.site.reserves import in_reach

_GONE: Final = "gone or not whole: on a full disk a rollback may find no room"


def reserves(visit: Visit) -> Iterator[Advice]:
    """Look at the site's reserve, and at those of targets that are there."""
    for whose, reserve in in_reach(visit.site, State(visit.site.main())):
        if reserve.is_whole():
            yield Advice("reserve", "ok", f"of {whose}: whole")
            continue
        spare = reserve.spare
        room = f"free {spare.bytes >> 20} MiB and {spare.files} inodes there; "
        again = "the next commit makes it again"
        mend = again if reserve.has_room() else f"{room}{again}"
        yield Advice("reserve", "note", f"of {whose}: {_GONE}", mend)
