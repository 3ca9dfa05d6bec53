"""Examining a site for `kp doctor`: what is amiss, and how each thing is mended.

Whatever is damaged, the rest is examined all the same. Reads only, without a lock; but
for the hook that keeps pushes from harm, which is renewed, and for what a shared site's
group lost: that is given back.
"""

from collections.abc import Iterable, Iterator

from kpstore.errors import KpError
from kpstore.queries.doctor.contract import Advice, Check, Visit
from kpstore.queries.doctor.damaged_main import how_to_mend
from kpstore.queries.doctor.registry import CHECKS, OF_HISTORY


def examine(visit: Visit) -> Iterator[Advice]:
    """Yield what is found, check by check."""
    return _examined(visit, CHECKS)


def damage(visit: Visit) -> list[Advice]:
    """Return what of history or of main's artifacts is damaged or gone."""
    checks = [check for check in CHECKS if check.about in OF_HISTORY]
    return [each for each in _examined(visit, checks) if each.level == "bad"]


def _examined(visit: Visit, checks: Iterable[Check]) -> Iterator[Advice]:
    told = set[str]()
    for check in checks:
        yield from _guarded(visit, check, told)


def _guarded(visit: Visit, check: Check, told: set[str]) -> Iterator[Advice]:
    """Yield what a look finds; what stops it is found, too."""
    try:
        yield from check.look(visit)
    except KpError as error:
        if error.message in told:  # what stops one look stops others
            return
        told.add(error.message)
        mend = error.hint
        if not mend or "kp doctor" in mend:  # that is where the person is
            mend = how_to_mend(visit.site, error)
        yield Advice(check.about, "bad", error.message, mend)
    except OSError as error:
        text = f"{error.filename}: {error.strerror}"
        yield Advice(check.about, "bad", text, "see to the disk")
