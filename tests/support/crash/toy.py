"""A small store with kp's shape, to test the harnesses on: a history, then a switch.

    main                  the newest version, replaced by rename: the commit point
    gen/<n>/a, b, c       the files of version n
    live -> gen/<n>       the switch

`commit` stages gen/<n>, advances main, switches live. `recover` finishes what a
crash left. Every step is a function of this module, so that a test can break one.
"""

import contextlib
import os
import shutil
from pathlib import Path

from support.crash.script import Ack, Script

LAST = 3
NAMES = ("a", "b", "c")


def text(version: int, name: str) -> bytes:
    """What file `name` of a version holds."""
    return f"version {version} of {name}\n".encode() * 40


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data`, however short the single writes are."""
    while data:
        data = data[os.write(fd, data) :]


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def create(path: Path, data: bytes) -> None:
    """Make a new durable file (its entry is not yet)."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)


def stage(root: Path, version: int) -> None:
    """Write the files of a version where nobody looks yet."""
    generation = root / "gen" / str(version)
    generation.mkdir()
    for name in NAMES:
        create(generation / name, text(version, name))
    sync_directory(generation)
    sync_directory(root / "gen")


def advance(root: Path, version: int) -> None:
    """The commit point."""
    fresh = root / "main.tmp"
    create(fresh, b"%d\n" % version)
    os.replace(fresh, root / "main")
    sync_directory(root)


def switch(root: Path, version: int) -> None:
    """Make a version live."""
    fresh = root / "live.tmp"
    fresh.symlink_to(f"gen/{version}")
    os.replace(fresh, root / "live")
    sync_directory(root)


def publish(root: Path, version: int) -> None:
    """The three steps in the only right order."""
    stage(root, version)
    advance(root, version)
    switch(root, version)


def main_of(root: Path) -> int:
    """The newest version."""
    return int((root / "main").read_text())


def sweep_away(root: Path) -> None:
    """Remove what was staged but never committed, and temporary names."""
    for left in root.glob("*.tmp"):
        left.unlink()
    for generation in (root / "gen").iterdir():
        if int(generation.name) > main_of(root):
            shutil.rmtree(generation)


def commit(root: Path, version: int) -> None:
    """Commit and publish; on a failure before the commit point nothing is left."""
    try:
        publish(root, version)
    except OSError:
        with contextlib.suppress(OSError):
            recover(root)
        raise


def recover(root: Path) -> None:
    """Finish what a crash left."""
    sweep_away(root)
    if os.readlink(root / "live") != f"gen/{main_of(root)}":
        switch(root, main_of(root))


def setup(root: Path) -> None:
    """Version 1, live."""
    (root / "gen").mkdir()
    publish(root, 1)


def operation(root: Path, ack: Ack) -> None:
    """Commit the versions up to LAST; say of each whether it is committed."""
    for version in range(2, LAST + 1):
        try:
            commit(root, version)
        except OSError:
            ack(f"refused {version}")
            raise
        ack(f"committed {version}")


def check(root: Path, acks: list[str]) -> list[str]:
    """What is bad: before the next start, then after it."""
    return _as_found(root) + _after_recovery(root, acks)


def _as_found(root: Path) -> list[str]:
    try:
        live = int(os.readlink(root / "live").removeprefix("gen/"))
        newest = main_of(root)
        torn = [n for n in NAMES if _content(root, live, n) != text(live, n)]
    except (OSError, ValueError) as error:
        return [f"unreadable as found: {type(error).__name__}"]
    wrong = ["torn file in the live tree"] if torn else []
    return wrong + (["unrecorded version is live"] if live > newest else [])


def _content(root: Path, version: int, name: str) -> bytes:
    return (root / "gen" / str(version) / name).read_bytes()


def _after_recovery(root: Path, acks: list[str]) -> list[str]:
    recover(root)
    newest = main_of(root)
    acked = max((int(a.split()[1]) for a in acks if a.startswith("c")), default=1)
    wrong = ["acked version lost"] if newest < acked else []
    if sorted(p.name for p in root.iterdir()) != ["gen", "live", "main"]:
        wrong.append("stray files")
    commit(root, newest + 1)
    if os.readlink(root / "live") != f"gen/{newest + 1}":
        wrong.append("the next commit is not live")
    return wrong


TOY = Script("toy", setup, operation, check)
