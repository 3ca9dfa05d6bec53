"""The bare repository on disk: making one, and refusing one that isn't ours."""

import os
import stat
from pathlib import Path
from typing import Final

from kpstore.disk import sharing
from kpstore.disk.durable import Batch
from kpstore.errors import DiskFailure, NotFound, Refused
from kpstore.history.git.hook import UPDATE
from kpstore.history.paths import MAIN

RECORDS: Final = "kp/drafts"  # who wrote a draft: see `owners`

HEAD: Final = f"ref: {MAIN}\n"
DESCRIPTION: Final = "boot state of a cluster, kept by kp\n"
SHARED: Final = "\tsharedRepository = all\n"
CONFIG: Final = """\
# Written by `kp init`. kp is the only writer of refs/heads/main.
[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	logallrefupdates = false
	fsync = all
[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
	fsckObjects = true
	maxInputSize = 256m
[transfer]
	fsckObjects = true
[lfs]
	repositoryformatversion = 0
"""


def config_of(path: Path) -> str:
    """Return what git's `config` has to say in a repository at a path.

    In a shared folder git is told so, for what it writes itself: pushed objects, refs.
    """
    if sharing.group_of(path) is None:
        return CONFIG
    return CONFIG.replace("\tfsync", f"{SHARED}\tfsync")


def create(path: Path) -> None:
    """Make an empty bare repository, durable, by one rename.

    Refused when something is there. DiskFailure where the disk doesn't let it.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Refused(f"{path} exists already", hint="choose another --site")
    try:
        with Batch() as batch:
            made = batch.directory(path, mode=0o750)
            made.file("HEAD", HEAD.encode())
            made.file("config", config_of(path).encode())
            made.file("description", DESCRIPTION.encode())
            made.directory("hooks").file("update", UPDATE.encode(), mode=0o755)
            made.directory("kp").directory("drafts")
            made.directory("lfs").directory("objects")
            objects, refs = made.directory("objects"), made.directory("refs")
            for directory, name in (
                (objects, "info"),
                (objects, "pack"),
                (refs, "heads"),
            ):
                directory.directory(name)
            refs.directory("kp").directory("drafts")
            batch.commit()
    except OSError as error:
        raise DiskFailure.of(error, "making the repository") from error


def check_ours(path: Path) -> None:
    """Refused unless `path` is a repository that only root and we can have made.

    Or, of a shared folder's group, its members. git's safe.directory by other means;
    and through an `objects` that is a link, another store's objects would be read as
    this site's.
    """
    group = sharing.group_of(path)
    for part in (path, path / "objects", path / "refs"):
        try:
            found = part.lstat()
        except FileNotFoundError:
            raise _missing(part, path) from None
        except OSError as error:
            raise DiskFailure.of(error, "opening") from error
        if not stat.S_ISDIR(found.st_mode):
            raise Refused(f"{part} is not a directory", hint="a link there is refused")
        if found.st_uid not in {0, os.geteuid()} and not (
            found.st_gid == group and sharing.is_member(found.st_uid, group)
        ):
            raise _of_another(part, found.st_uid, group)
        if found.st_mode & stat.S_IWOTH:
            raise Refused(f"{part} can be written by anyone", hint=f"chmod o-w {part}")


def _of_another(part: Path, user: int, group: int | None) -> Refused:
    text = f"{part} belongs to user {user}"
    if group is None:
        return Refused(text, hint=f"chown {part}")
    name = sharing.name_of(group)
    if not sharing.is_member(user, group):
        return Refused(
            f"{text}, who is not in group {name}", hint=f"as root: chown -R 0 {part}"
        )
    return Refused(
        f"{text}, and not to group {name}", hint=f"as root: chgrp -R {name} {part}"
    )


def _missing(part: Path, path: Path) -> NotFound:
    if part == path:
        return NotFound(f"no repository at {path}", hint="kp init, or another --site")
    if part.name == "refs":  # git packs refs, and tar leaves out what is empty
        return NotFound(f"{part} is missing", hint=f"mkdir {part} && kp doctor")
    return NotFound(f"{part} is missing", hint="bring it back from a backup or a clone")
