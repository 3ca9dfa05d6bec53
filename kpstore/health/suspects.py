"""What may be what fails, when nodes don't come up: a default, or a next boot."""

from kpstore.errors import KpError
from kpstore.health.verdicts import bad_verdict, is_good
from kpstore.model.boot import Boot, boot_of
from kpstore.model.payload import Payload
from kpstore.model.state import State


def next_boot_of(state: State, image: str, entry: str) -> Boot | None:
    """Return what an entry boots; None where it dangles."""
    try:
        return boot_of(state, image, entry)
    except KpError:
        return None


def is_suspect(
    today: State, before: State | None, default: Payload, boot: Boot
) -> bool:
    """Tell whether a next boot is what may fail in place of the image's default.

    What came last is: a payload that the image did not have when another was its
    default (`before`; None: no other ever was), or one that is known bad. Never one
    that is good, like the entry that a node is rescued by.
    """
    if boot.payload.id == default.id or is_good(today, boot.payload):
        return False
    return bad_verdict(today, boot.payload) is not None or not _had(before, boot)


def _had(before: State | None, boot: Boot) -> bool:
    names = before.names("entry", boot.image) if before else []
    found = (before and next_boot_of(before, boot.image, name) for name in names)
    return any(each and each.payload.id == boot.payload.id for each in found)
