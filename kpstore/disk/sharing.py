"""Folders that a group writes: which they are, and what mode a new thing in them has.

The one place that decides modes and groups of what kp makes. Elsewhere they are as
whoever makes it says; in a shared folder as git's `core.sharedRepository = all` has
them: the group gets what the owner has, others read what the group would have read,
and folders hand their group on (set-group-id). Which folders are shared is known by
their paths, so a folder that lost its bits is no reason to lose more.
"""

import grp
import os
import pwd
import stat
from collections.abc import Collection, Container, Iterator
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import Final, NamedTuple

from kpstore.errors import Refused

_groups: dict[str, int] = {}  # folder that is shared, with all below it -> its group
_MEMBERS_WRITE: Final = stat.S_ISGID | stat.S_IWGRP | stat.S_IXGRP


def share(folder: Path, group: int | None) -> None:
    """Have all that this process makes in a folder be a group's; None: nobody's."""
    if group is None:
        _groups.pop(os.fspath(folder), None)
    else:
        _groups[os.fspath(folder)] = group


def group_of(place: Path | str) -> int | None:
    """Return the group that a folder, or what lies in it, is shared with."""
    return _groups.get(_folder_of(place)) if _groups else None


def _folder_of(place: Path | str) -> str:
    path = os.fspath(place)
    for folder in _groups:
        if path.startswith(folder) and path[len(folder) : len(folder) + 1] in ("", "/"):
            return folder
    return ""


def mode_of(place: Path | str, mode: int, *, folder: bool = False) -> int:
    """Return the mode of a new thing at a place, where `mode` is what nobody shares."""
    return mode if group_of(place) is None else _shared(mode, folder=folder)


def fits(place: Path | str, found: int, meant: int) -> bool:
    """Tell whether a mode, with its file type, is one that kp leaves as it is.

    In a shared folder so is one that has lost its share: who isn't the owner can't give
    it back, and nodes don't miss it. `lost` names it.
    """
    mode = stat.S_IMODE(found)
    if group_of(place) is None:
        return mode == meant
    most = _shared(meant, folder=stat.S_ISDIR(found))
    return mode & meant == meant and not mode & ~most


def finish(descriptor: int, mode: int, place: Path | str) -> None:
    """Give a new file or folder its mode, whatever the umask; shared, its group too."""
    group = group_of(place)
    if group is None:
        os.fchmod(descriptor, mode)
        return
    found = os.fstat(descriptor)
    wanted = _shared(mode, folder=stat.S_ISDIR(found.st_mode))
    if found.st_gid != group:
        os.fchown(descriptor, -1, group)
    elif stat.S_IMODE(found.st_mode) == wanted:
        return  # it may be another's, who alone can change it
    os.fchmod(descriptor, wanted)


def begin_folder(path: str) -> None:
    """Let the group into a new folder that is being filled: its maker may be killed."""
    if group_of(path) is not None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            finish(descriptor, stat.S_IRWXU, path)
        finally:
            os.close(descriptor)


def begin_file(path: Path) -> None:
    """Make an empty file in a shared folder for a library that opens it by itself."""
    if group_of(path) is not None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            finish(descriptor, 0o644, path)
        finally:
            os.close(descriptor)


def _shared(mode: int, *, folder: bool) -> int:
    """Give the group what the owner has, and others the looking that the group had."""
    more = mode | (mode & stat.S_IRWXU) >> 3 | (mode & 0o050) >> 3
    return more | stat.S_ISGID if folder else more


# --- who may


def owners(place: Path | str, own: Collection[int]) -> Container[int]:
    """Return the users that what lies at a place may be of: `own`, and its group's."""
    group = group_of(place)
    return own if group is None else _Owners(own, group)


class _Owners:
    """Users by their numbers, and who is in a group."""

    def __init__(self, own: Collection[int], group: int) -> None:
        self._own = own
        self._group = group

    def __contains__(self, user: object) -> bool:
        return user in self._own or is_member(user, self._group)


@lru_cache
def is_member(user: object, group: int) -> bool:
    """Tell whether an account, by its number, is in a group: by its first one, too."""
    try:
        account = pwd.getpwuid(user if isinstance(user, int) else -1)
    except (KeyError, OverflowError):
        return False
    return group in os.getgrouplist(account.pw_name, account.pw_gid)


def number_of(group: str) -> int | None:
    """Return a group's number by its name, or as it is written; None: there is none."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return int(group) if group.isascii() and group.isdecimal() else None


def name_of(group: int) -> str:
    """Return a group's name; its number where it has none here."""
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)


def may_write(place: Path | str) -> bool:
    """Tell root and a group's members, as this process is one, from others."""
    group = group_of(place)
    return os.geteuid() == 0 or group in {None, os.getegid(), *os.getgroups()}


def check_writer(place: Path | str) -> None:
    """Refused for who isn't in the group that writes here; says how to come into it.

    And where its folder doesn't let a member write any more. `place`: in a site.
    """
    group, user, folder = group_of(place), os.geteuid(), _folder_of(place)
    if group is None:
        return
    name = name_of(group)
    if may_write(place):
        if os.path.exists(folder) and not os.access(folder, os.W_OK):
            text = f"{folder} doesn't let its group {name} write any more"
            raise Refused(text, hint=f"as root: kp --site {quote(folder)} doctor")
        return
    if is_member(user, group):
        hint = "you are in it since you logged in: log in again"
    else:
        hint = f"as root: usermod -aG {name} {_account(user)}, then log in again"
    raise Refused(f"only members of group {name} change {folder}", hint=hint)


def _account(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


# --- what has lost it


class Lost(NamedTuple):
    """What a group can't use as it should; `why` in words, `mended`: it can again."""

    path: Path
    why: str
    mended: bool


def lost(
    top: Path,
    *,
    private: Collection[str] = (),
    whole: bool = True,
    mending: bool = False,
) -> Iterator[Lost]:
    """Yield what of a shared folder, and of all in it (`whole`), its group can't use.

    What is below the names `private` in it need not be read by others. `mending` gives
    it back as far as that is ours to do. No link is followed, whoever puts one there
    meanwhile. OSErrors pass raw.
    """
    group, here = group_of(top), os.fspath(top)
    if group is None:
        return
    for folder, folders, files, at in os.fwalk(here):
        inside = folder.removeprefix(here).lstrip("/").partition("/")[0]
        below = (*folders, *files) if whole else ()
        for name in (*(("",) if folder == here else ()), *below):
            others, path = (inside or name) not in private, Path(folder, name)
            try:
                found = os.stat(name or ".", dir_fd=at, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if why := _lacks(found, group, others=others):
                back = mending and _give_back(name or ".", at, path, others=others)
                yield Lost(path, why, back)
        if not whole:
            return


def _give_back(name: str, directory: int, path: Path, *, others: bool) -> bool:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except PermissionError:
        return False
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        finish(descriptor, mode & 0o707 | _to_read(mode, others), path)
        os.fsync(descriptor)
    except PermissionError:  # another's
        return False
    finally:
        os.close(descriptor)
    return True


def _to_read(mode: int, others: bool) -> int:
    return (mode & 0o500) >> 3 if others else 0


def _lacks(found: os.stat_result, group: int, *, others: bool) -> str:
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return ""
    if found.st_gid != group:
        return f"group {name_of(found.st_gid)}, not {name_of(group)}"
    mode = stat.S_IMODE(found.st_mode)
    wanted = mode | (mode & stat.S_IRWXU) >> 3
    wanted |= (wanted & 0o050) >> 3 if others else 0
    if stat.S_ISDIR(found.st_mode):
        wanted |= _MEMBERS_WRITE
        if mode & stat.S_ISVTX:
            return f"mode {mode:04o}: sticky, so that each removes only what is theirs"
    return "" if mode == wanted else f"mode {mode:04o}, not {wanted:04o}"
