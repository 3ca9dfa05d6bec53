"""Bugs on purpose: each is a context manager that breaks a part of the program.

A harness that has never caught a bug proves nothing. `Script.with_bug` switches one
on in the forked child, around the operation; setup and check stay sound.
The ones here break Python's `os` functions, whoever calls them. `replaced` is for
bugs of one program: a step left out, two steps swapped, a lock not taken.
What they can't reach: code that calls libc itself (name that function in `replaced`).
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

Bug = Callable[[], AbstractContextManager[None]]
_real_fsync, _real_replace = os.fsync, os.replace


@contextmanager
def replaced(owner: object, **functions: Any) -> Iterator[None]:
    """Replace attributes of a module or a class, by name."""
    kept = {name: getattr(owner, name) for name in functions}
    for name, function in functions.items():
        setattr(owner, name, function)
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(owner, name, function)


def bug(owner: object, **functions: Any) -> Bug:
    """`replaced` as a Bug: to be switched on later, in the child."""
    return partial(replaced, owner, **functions)


def together(*bugs: Bug) -> Bug:
    """Several bugs as one."""

    @contextmanager
    def every() -> Iterator[None]:
        with ExitStack() as stack:
            for each in bugs:
                stack.enter_context(each())
            yield

    return every


def nothing(*_args: object, **_options: object) -> None:
    """A function that doesn't do its work."""


def swallowing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, but its OSErrors go unnoticed."""

    def quiet(*args: Any, **options: Any) -> Any:
        with contextlib.suppress(OSError):
            return function(*args, **options)

    return quiet


def _is_directory(fd: int) -> bool:
    return stat.S_ISDIR(os.fstat(fd).st_mode)


def _fsync_files_only(fd: int) -> None:
    if not _is_directory(fd):
        _real_fsync(fd)


def _fsync_directories_only(fd: int) -> None:
    if _is_directory(fd):
        _real_fsync(fd)


_Path = str | os.PathLike[str]


def _write_over(
    source: _Path,
    target: _Path,
    *,
    src_dir_fd: int | None = None,
    dst_dir_fd: int | None = None,
) -> None:
    """Rename by writing the content over the old file (other kinds: rename)."""
    facts = os.stat(source, dir_fd=src_dir_fd, follow_symlinks=False)
    if not stat.S_ISREG(facts.st_mode):
        _real_replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        return
    old = os.open(source, os.O_RDONLY, dir_fd=src_dir_fd)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    new = os.open(target, flags, facts.st_mode & 0o777, dir_fd=dst_dir_fd)
    while data := os.read(old, 1 << 16):
        os.write(new, data)
    _real_fsync(new)
    os.close(old)
    os.close(new)
    os.unlink(source, dir_fd=src_dir_fd)


def _unlink_and_move(
    source: _Path,
    target: _Path,
    *,
    src_dir_fd: int | None = None,
    dst_dir_fd: int | None = None,
) -> None:
    """Rename by removing the old name first."""
    with contextlib.suppress(FileNotFoundError, IsADirectoryError):
        os.unlink(target, dir_fd=dst_dir_fd)
    _real_replace(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


@contextmanager
def fsync_after_rename() -> Iterator[None]:
    """Files are synced too late: once they have their final name."""

    def replace(source: _Path, target: _Path, **fds: int | None) -> None:
        _real_replace(source, target, **fds)
        with contextlib.suppress(OSError):  # a link has nothing to sync
            fd = os.open(
                target, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fds.get("dst_dir_fd")
            )
            _real_fsync(fd)
            os.close(fd)

    with replaced(os, fsync=_fsync_directories_only, replace=replace, rename=replace):
        yield


no_fsync = bug(os, fsync=nothing, fdatasync=nothing)
no_file_fsync = bug(os, fsync=_fsync_directories_only, fdatasync=nothing)
no_directory_fsync = bug(os, fsync=_fsync_files_only)
fsync_errors_ignored = bug(
    os, fsync=swallowing(os.fsync), fdatasync=swallowing(os.fdatasync)
)
in_place = bug(os, replace=_write_over, rename=_write_over)
unlink_then_link = bug(os, replace=_unlink_and_move, rename=_unlink_and_move)

EVERYWHERE: dict[str, Bug] = {
    "no fsync": no_fsync,
    "no file fsync": no_file_fsync,
    "no directory fsync": no_directory_fsync,
    "fsync after rename": fsync_after_rename,
    "fsync errors ignored": fsync_errors_ignored,
    "in place": in_place,
    "unlink, then link": unlink_then_link,
}
