"""Bugs put into kp on purpose: which story shows each, where, and by what finding."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from kpstore.disk import batch, streams
from kpstore.disk.locks import Hold, SiteLock
from kpstore.history.git.repository import Repository
from kpstore.operations import recover
from kpstore.operations.staging import Staging
from kpstore.targets.tftp.format.entries import _Mover
from kpstore.targets.tftp.format.layout import EntryNames
from kpstore.targets.tftp.target import TftpTarget
from support.bootcheck import LOST
from support.crash import seeded
from support.crash.seeded import Bug, bug, together

_stage, _switch, _advance = Staging.stage, Staging.switch, Repository.advance


def _switched_first(self: Staging, *args: Any) -> None:
    _stage(self, *args)
    _switch(self)


def _late(self: Repository, *args: Any, **more: Any) -> None:
    """Leave others the time to come between: so they do, however busy the machine."""
    time.sleep(0.05)
    _advance(self, *args, **more)


def _reread(self: Repository, ref: str, _: str | None, new: str, **more: Any) -> None:
    """Compare with what is there now, not with what the commit builds on."""
    time.sleep(0.05)
    _advance(self, ref, self.peek(ref), new, **more)


def _at_once(self: _Mover, names: EntryNames, mac: str, old: str, new: str) -> str:
    return names.text(mac, new) if new else ""


@contextmanager
def _unheld(self: SiteLock, *_: object, **__: object) -> Iterator[Hold]:
    yield Hold("")


def _not_along(self: Staging, target: Any) -> None:
    self._note(target, "lagging")


def _nothing_finished(*_: object, **__: object) -> list[object]:
    return []


def _finished(_: object) -> bool:
    return False


def _once(descriptor: int, data: bytes) -> None:
    os.write(descriptor, data)


class Sown(NamedTuple):
    """A bug, and the story that shows it.

    `where`: disturbed at which calls, a regular expression; `shows`: one that the
    finding must match. `following`: the bug is in the next command too.
    """

    bug: Bug
    story: str
    where: str
    shows: str
    following: bool = False


_LIVE = r"rename\(.*tftp/kp/live\)"
_MAIN = r"rename\(.*refs/heads/main\)"
_ENTRIES = r"rename\(.*(pxelinux.cfg|grub|ipxe)/.*01-02"
_ELSEWHERE = "gets another commit's menu"

KILLED: dict[str, Sown] = {
    "unlink, then link": Sown(
        seeded.unlink_then_link, "nodes move", _LIVE, "nothing is live"
    ),
    "in place": Sown(
        seeded.in_place, "rollback", r"write\(.*refs/heads/main\)", "main holds b''"
    ),
    "publish before commit": Sown(
        bug(Staging, stage=_switched_first), "nodes move", _MAIN, "unrecorded commit"
    ),
    "entry points before live": Sown(
        bug(_Mover, _before=_at_once), "nodes move", _LIVE, _ELSEWHERE
    ),
    "nothing is finished": Sown(
        together(
            bug(recover, finish=_nothing_finished, catch_up=_nothing_finished),
            bug(Staging, _bring_along=_not_along),
        ),
        "rollback",
        _LIVE,
        "does not serve main",
        True,
    ),
    "an interrupted move is forgotten": Sown(
        bug(TftpTarget, unfinished=_finished), "nodes move", _ENTRIES, "stray", True
    ),
}
CUT_SHORT = Sown(
    together(bug(batch, write_all=_once), bug(streams, write_all=_once)),
    "nodes move",
    r"write\(tftp",
    "kp/menus/.* changed",
)
_AT_THE_END = r"ftruncate\(site/lock\)"
UNPLUGGED: dict[str, Sown] = {
    "no fsync": Sown(seeded.no_fsync, "rollback", _AT_THE_END, LOST),
    "no directory fsync": Sown(
        seeded.no_directory_fsync, "rollback", _AT_THE_END, LOST
    ),
    "fsync after rename": Sown(
        seeded.fsync_after_rename, "rollback", r"refs/heads\)", "CorruptState: object"
    ),
}
BELIEVED = Sown(seeded.fsync_errors_ignored, "new kernel", "", "artifact .* is torn")
_UNLOCKED: Bug = bug(SiteLock, hold=_unheld)
BY_WRITERS: dict[str, tuple[Bug, str]] = {
    "lock skipped": (
        together(_UNLOCKED, bug(Repository, advance=_late)),
        "Conflict: refs/heads/main",
    ),
    "parent read twice": (together(_UNLOCKED, bug(Repository, advance=_reread)), LOST),
}
