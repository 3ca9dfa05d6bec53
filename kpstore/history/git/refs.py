"""Refs of the bare repository: strict reading, and compare-and-swap under git's lock.

A ref that can't be read is never taken for absent: a root commit on top of that
would orphan all history. Layout: gitrepository-layout(5), packed-refs in
git-pack-refs(1).
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kpstore.disk.durable import (
    make_directories,
    remove,
    remove_tree,
    sync_directory,
    write_file,
)
from kpstore.disk.processes import HIDDEN, boot_id, started
from kpstore.disk.streams import read_regular
from kpstore.errors import Conflict, CorruptState, DiskFailure, Locked
from kpstore.history.paths import DRAFTS, SAVED

_ID: Final = re.compile(rb"[0-9a-f]{40}")
_REF: Final = re.compile(r"refs(/[A-Za-z0-9%_][A-Za-z0-9%._-]*)+")
_PACKED: Final = re.compile(rf"([0-9a-f]{{40}}) ({_REF.pattern})")
_TAG: Final = re.compile(r"kp ([0-9a-f]{16}) (\d+)\.(\d+) (.*)")
_POLL: Final = 0.02  # seconds between looks at a lock that another holds


def read(repository: Path, ref: str) -> str | None:
    """Return the id that a ref has; None only where there is none.

    CorruptState when a loose or packed ref is there and can't be understood.
    """
    return read_loose(repository, ref) or read_packed(repository).get(ref)


def read_loose(repository: Path, ref: str) -> str | None:
    """Return the id in a ref's own file; None without one."""
    loose = _contents(repository / _checked(ref), ref)
    if loose is None:
        return None
    if not _ID.fullmatch(loose.removesuffix(b"\n")):
        raise CorruptState(
            f"{ref} holds {loose[:60]!r} instead of a commit id", hint="kp doctor"
        )
    return loose[:40].decode()


def read_packed(repository: Path) -> dict[str, str]:
    """Return the refs in packed-refs, which `git pack-refs` and `git gc` write."""
    data = _contents(repository / "packed-refs", "packed-refs")
    if data is None:
        return {}
    if not data.endswith(b"\n"):
        raise CorruptState("packed-refs is cut short", hint="kp doctor")
    found: dict[str, str] = {}
    for line in data.splitlines():
        if line.startswith((b"#", b"^")):
            continue
        name, space, ref = line[:40], line[40:41], line[41:]
        if not _ID.fullmatch(name) or space != b" " or not ref:
            raise CorruptState(
                f"packed-refs has a line that is no ref: {line[:80]!r}",
                hint="kp doctor",
            )
        found[ref.decode("utf-8", "surrogateescape")] = name.decode()
    return found


def salvaged(repository: Path) -> dict[str, str]:
    """Return those refs of a damaged packed-refs that can still be told."""
    try:
        data = _contents(repository / "packed-refs", "packed-refs") or b""
    except CorruptState:
        return {}
    whole = data[: data.rfind(b"\n") + 1].decode("ascii", "replace").splitlines()
    found = (_PACKED.fullmatch(line) for line in whole)
    return {match[2]: match[1] for match in found if match}


def names(repository: Path, prefix: str) -> list[str]:
    """Return the sorted names of the refs that start with `prefix`, a folder."""
    found = {ref for ref in read_packed(repository) if ref.startswith(prefix)}
    loose = _listed(repository / prefix, prefix)
    found.update(
        prefix + name
        for name in loose
        if not name.startswith(".") and not name.endswith(".lock")
    )
    return sorted(found)


def advance(
    repository: Path, ref: str, old: str | None, new: str, *, host: str, wait: float
) -> None:
    """Move a ref from `old` to `new`, durably, or raise Conflict.

    `old` is None for a ref that must not exist yet. Waits at most `wait` seconds
    for another's lock (Locked). The caller holds the site's lock, `host` is this
    machine's name: together they tell whether a lock's holder is gone.
    """
    with _locked(repository, ref, host, wait):
        _expect(repository, ref, old)
        write_file(repository / ref, new.encode() + b"\n")


def settle(repository: Path, ref: str, *, host: str, wait: float) -> None:
    """Make a ref durable that somebody moved and perhaps did not see synced.

    It is written anew: after a failed sync only a new file can be trusted.
    """
    with _locked(repository, ref, host, wait):
        now = read(repository, ref)
        if now is not None:
            write_file(repository / ref, now.encode() + b"\n")


def delete(repository: Path, ref: str, old: str, *, host: str, wait: float) -> None:
    """Remove a ref that is at `old`, durably; Conflict when it is elsewhere."""
    with _locked(repository, ref, host, wait):
        _expect(repository, ref, old)
        _unpack(repository, ref, host, wait)  # first: else the packed one reappears
        remove(repository / ref)
        sync_directory((repository / ref).parent)


def clear(repository: Path, ref: str, *, host: str, wait: float) -> None:
    """Remove a ref, durably, whatever lies in its place: it need not be readable."""
    with _locked(repository, ref, host, wait):
        _unpack(repository, ref, host, wait)
        path = repository / ref
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            remove(path)
        sync_directory(path.parent)


def _unpack(repository: Path, ref: str, host: str, wait: float) -> None:
    if ref not in read_packed(repository):
        return
    with _locked(repository, "packed-refs", host, wait):
        packed = read_packed(repository)
        packed.pop(ref, None)
        header = "# pack-refs with: sorted \n"
        lines = [f"{name} {ref}\n" for ref, name in sorted(packed.items())]
        text = (header + "".join(lines)).encode("utf-8", "surrogateescape")
        write_file(repository / "packed-refs", text)


def _expect(repository: Path, ref: str, old: str | None) -> None:
    now = read(repository, ref)
    if now != old:
        raise Conflict(
            f"{ref} is at {now or 'nothing'}, not at {old or 'nothing'} any more",
            hint="another writer was faster: try again",
        )


def _checked(ref: str) -> str:
    if not _REF.fullmatch(ref) or ".." in ref or ref.endswith(".lock"):
        raise CorruptState(f"{ref!r} is not the name of a ref")
    return ref


def _listed(folder: Path, prefix: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CorruptState(
            f"{prefix} can't be read: {error.strerror}", hint=f"look at {folder}"
        ) from error


def _contents(path: Path, ref: str) -> bytes | None:
    try:
        return read_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CorruptState(
            f"{ref} can't be read: {error.strerror}", hint="kp doctor"
        ) from error


# --- the lock ------------------------------------------------------------------
# git's own lock name, so that git and kp keep each other out. Ours is a dangling
# link whose text is the tag: made in one step, never empty, not even after a power
# cut (a text below 60 bytes lies in the inode on ext4); git's O_EXCL sees it too.


@contextmanager
def _locked(repository: Path, ref: str, host: str, wait: float) -> Iterator[None]:
    lock = repository / f"{ref}.lock"
    if not lock.parent.is_dir():  # `git pack-refs` removes empty ones
        make_directories(lock.parent)
    deadline = time.monotonic() + wait
    while not _take(lock, host):
        if time.monotonic() >= deadline:
            raise Locked(
                f"{lock} is held by {_holder(lock)}",
                hint="wait for that program; if it is gone, remove the file",
            )
        time.sleep(_POLL)
    try:
        yield
    finally:
        remove(lock)


def _take(lock: Path, host: str) -> bool:
    try:
        lock.symlink_to(_tag(host))
    except FileExistsError:
        if not is_abandoned(lock, host=host):
            return False
        remove(lock)  # under the site's lock nobody else of kp's reclaims it
        return _take(lock, host)
    except OSError as error:
        raise DiskFailure.of(error, "locking") from error
    return True


def sweep_locks(repository: Path, host: str) -> list[str]:
    """Remove kp's locks whose holders are gone: git would wait for them in vain."""
    folders = (repository, *folders_of_refs(repository))
    swept = [
        lock
        for folder in folders
        for lock in folder.glob("*.lock")
        if is_abandoned(lock, host=host)
    ]
    for lock in swept:
        remove(lock)
    return [lock.name for lock in swept]


def folders_of_refs(repository: Path) -> list[Path]:
    """Return the folders in which kp writes refs."""
    found = [repository / "refs/heads", repository / DRAFTS]
    return [*found, *(repository / SAVED).glob("*/")]


def is_abandoned(lock: Path, *, host: str) -> bool:
    """Tell a lock of kp's on this host whose holder is gone."""
    match = _TAG.fullmatch(_text(lock))
    if match is None or match[4] != _short(host):
        return False
    alive = started(int(match[2])) in (match[3], HIDDEN)
    return match[1] != boot_id() or not alive


def _holder(lock: Path) -> str:
    match = _TAG.fullmatch(_text(lock))
    return f"kp on {match[4]}, pid {match[2]}" if match else "another program"


def _tag(host: str) -> str:
    process = os.getpid()
    return f"kp {boot_id()} {process}.{started(process)} {_short(host)}"


def _short(host: str) -> str:
    return host[:20]


def _text(lock: Path) -> str:
    try:
        return str(lock.readlink())
    except OSError:  # gone meanwhile, or a file: git's
        return ""
