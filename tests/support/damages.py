"""Everything that may become of one name on a TFTP root, and names to try it on."""

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Damage = Callable[[Path, Path], None]  # the name, and a folder outside of the root
STRANGER = 54321  # a user that kp never was


def removed(path: Path, _: Path) -> None:
    """Remove it, whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def emptied(path: Path, _: Path) -> None:
    """Leave a file without bytes, or a folder without names."""
    if path.is_dir():
        for child in path.iterdir():
            removed(child, child)
    else:
        path.chmod(0o644)
        path.write_bytes(b"")


def truncated(path: Path, _: Path) -> None:
    """Cut a file in its middle, in place."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    os.truncate(path, path.stat().st_size // 2)
    path.chmod(mode)


def flipped(path: Path, _: Path) -> None:
    """Flip one bit in the middle of a file, in place: its size stays."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    path.chmod(mode & 0o7777)


def a_folder(path: Path, outside: Path) -> None:
    """Put a folder with somebody's file in its place."""
    removed(path, outside)
    path.mkdir()
    (path / "note").write_text("mine\n")


def a_file(path: Path, outside: Path) -> None:
    """Put somebody's file in the place of a link or a folder."""
    removed(path, outside)
    path.write_text("mine\n")


def a_link_out(path: Path, outside: Path) -> None:
    """Move it out of the root, and put an absolute link to it in its place."""
    moved = outside / path.name
    path.rename(moved)
    path.symlink_to(moved)


def a_link_beside(path: Path, outside: Path) -> None:
    """Move it elsewhere within the root, and put a relative link in its place."""
    moved = path.with_name(f"{path.name}.moved")
    path.rename(moved)
    path.symlink_to(moved.name)


def a_dangling_link(path: Path, outside: Path) -> None:
    """Put a link to nothing in its place."""
    removed(path, outside)
    path.symlink_to("/nonexistent/kp")


def a_fifo(path: Path, outside: Path) -> None:
    """Put a FIFO in its place: who opens it waits for ever."""
    removed(path, outside)
    os.mkfifo(path)


def a_socket(path: Path, outside: Path) -> None:
    """Put a socket in its place."""
    removed(path, outside)
    here = os.open(".", os.O_RDONLY)  # the name of a socket may be 107 bytes long
    try:
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


def a_mode(path: Path, _: Path) -> None:
    """Take it from all but its owner."""
    path.chmod(0o700 if path.is_dir() else 0o600)


def an_owner(path: Path, _: Path) -> None:
    """Give it to a user that kp never was; only root can."""
    os.chown(path, STRANGER, -1)


DAMAGES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (
        removed,
        emptied,
        truncated,
        flipped,
        a_folder,
        a_file,
        a_link_out,
        a_link_beside,
        a_dangling_link,
        a_fifo,
        a_socket,
        a_mode,
        an_owner,
    )
}
# What only root can do is one of the system tests.
PARAMETERS = [
    pytest.param(name, marks=[pytest.mark.system] * (name == "an_owner"))
    for name in DAMAGES
]
_OF_FILES = {"truncated", "flipped"}
_NOT_OF_LINKS = {"emptied", "a_mode", "an_owner"}
_NOT_OF_FILES = {"a_file"}


def possible(path: Path, damage: str) -> bool:
    """Tell whether a damage can befall what is at a path, and would change it."""
    if path.is_symlink():
        return damage not in _OF_FILES | _NOT_OF_LINKS
    if path.is_dir():
        return damage not in _OF_FILES
    if path.stat().st_size == 0:
        return damage not in {*_OF_FILES, *_NOT_OF_FILES, "emptied"}
    return damage not in _NOT_OF_FILES


def kinds(root: Path) -> dict[str, str]:
    """Return one path of each kind that lies below a TFTP root, by its kind.

    Of kp's own names the digits go, so that what a later kp keeps there is tried too;
    what is live is told from what is not.
    """
    live = os.readlink(root / "kp/live")
    wanted = set(_needed(root, live))
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        rel = str(path.relative_to(root))
        kind = _DIGITS.sub("*", rel.replace(live, "generations/LIVE"))
        parts = rel.split("/")
        stale = (
            parts[0] == "kp"
            and len(parts) > 2
            and not wanted
            & {"/".join(parts[: depth + 1]) for depth in range(2, len(parts))}
        )
        own = path.is_symlink() and "/~" in os.readlink(path)
        kind += " (to an own file)" * own + " (not live)" * stale
        found.setdefault(kind, rel)
    return found


_DIGITS = re.compile(
    r"[0-9a-f]{64}|[0-9]{6}-[0-9a-f]{12}|(?<=\+/)[0-9a-f]{16}|~[0-9a-f]{12}"
    r"|(?<=~)[0-9a-f]{2}|(?<=/LIVE/)[0-9a-f]{2}$|(?<=[0-9a-f]{12}/)[0-9a-f]{2}$"
    r"|(?<=/retired/)[0-9]{10}|(?<=/reserve/)[0-9]{2}|(01-)?([0-9a-f]{2}-){5}[0-9a-f]{2}"
)


def _needed(root: Path, live: str) -> Iterator[str]:
    """Yield the folders that what is live is made of."""
    todo = [root / "kp" / live]
    while todo:
        home = todo.pop()
        yield str(home.relative_to(root))
        for path in home.iterdir():
            if path.is_symlink():  # to a shelf, a menu, a shard
                todo.append(Path(os.path.normpath(home / os.readlink(path))))
            elif path.is_file():
                text = path.read_text("utf-8", "replace")
                yield from re.findall(r"kp/objects/[0-9a-f]{64}", text)
