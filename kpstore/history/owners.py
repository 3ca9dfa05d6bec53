"""Whose a draft is: the ref that has its user's name, and who wrote what lies there.

Nothing in a commit tells: an author can be typed. So whoever puts a commit there leaves
a record before the ref is moved, kp when it saves a draft, the `update` hook when
it lets a user push one: a file `kp/drafts/<user>@<commit>` in the repository, out of
any push's reach. What has no record there is somebody else's, and is not read.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Final
from urllib.parse import unquote

from kpstore.disk.durable import Batch, remove, write_file
from kpstore.errors import CorruptState, InvalidInput, KpError, Refused, disk_failures
from kpstore.history.git import loose
from kpstore.history.git.create import RECORDS
from kpstore.history.git.repository import Repository
from kpstore.history.paths import DRAFTS, SAVED

_LONGEST: Final = 200  # bytes of an encoded name: it becomes part of a file's
_KEPT: Final = 16  # newest records of a user that stay: a push may be under way


def ref_of(user: str) -> str:
    """Return a user's ref: the name percent-encoded outside `[a-z0-9-]`.

    InvalidInput for a name that could not be printed, or is too long.
    """
    if not user:
        raise InvalidInput(
            "a draft needs a user's name", hint="say who you are: KP_USER=NAME"
        )
    if not user.isprintable():
        raise InvalidInput(
            f"{user!r} has characters that can't be printed",
            hint="say who you are in letters: KP_USER=NAME",
        )
    name = encoded(user)
    if len(name) > _LONGEST:
        raise InvalidInput(
            f"{user[:40]!r}... is too long for the name of a user",
            hint="say who you are in short: KP_USER=NAME",
        )
    return DRAFTS + name


def encoded(name: str) -> str:
    """Return a name as a part of a ref: percent-encoded outside `[a-z0-9-]`."""
    plain = b"abcdefghijklmnopqrstuvwxyz0123456789-"
    return "".join(
        chr(byte) if byte in plain else f"%{byte:02X}" for byte in name.encode()
    )


def saved_ref(user: str, name: str) -> str:
    """Return the ref of a draft that a user saved by a name."""
    return f"{SAVED}{_name(user)}/{encoded(name)}"


def saved(repository: Repository, user: str) -> list[str]:
    """Return the names by which a user saved drafts, sorted."""
    folder = f"{SAVED}{_name(user)}/"
    names = (ref.removeprefix(folder) for ref in repository.refs(folder))
    decoded = (unquote(name, errors="replace") for name in names)
    return sorted(n for n in decoded if saved_ref(user, n) in repository.refs(folder))


def savers(repository: Repository) -> list[str]:
    """Return the users who have saved drafts, sorted."""
    names = {ref.split("/")[3] for ref in repository.refs(SAVED)}
    users = filter(None, (user_of(DRAFTS + name) for name in names))
    return sorted(user for user in users if saved(repository, user))


def user_of(ref: str) -> str | None:
    """Return whose ref it is; None for one that `ref_of` never gives."""
    with suppress(UnicodeDecodeError, InvalidInput):
        user = unquote(ref.removeprefix(DRAFTS), errors="strict")
        return user if ref_of(user) == ref else None
    return None


def users(repository: Repository) -> list[str]:
    """Return the users who have a draft, sorted."""
    return sorted(filter(None, map(user_of, repository.refs(DRAFTS))))


def every(repository: Repository) -> Iterator[tuple[str, str]]:
    """Yield each draft, by its user and the name it was saved by: "" for those in use.

    The drafts in use come first.
    """
    yield from ((user, "") for user in users(repository))
    for user in savers(repository):
        yield from ((user, name) for name in saved(repository, user))


def strays(repository: Repository) -> list[str]:
    """Return what lies among the drafts' refs and is no user's."""
    return [ref for ref in repository.refs(DRAFTS) if user_of(ref) is None]


def tip_of(repository: Repository, user: str, name: str = "") -> str | None:
    """Return the commit of a user's draft, or of one saved by a name; None without.

    Refused when somebody else wrote it, CorruptState when it can't be read.
    """
    ref = saved_ref(user, name) if name else ref_of(user)
    try:
        commit = repository.tip(ref)
    except CorruptState as error:
        raise CorruptState(
            f"{called(user, name)}: {error.message}", hint=way_out(user, name)
        ) from error
    if commit is not None and not _is_theirs(repository, user, commit):
        raise _foreign(repository, user, commit, ref, way_out(user, name))
    return commit


def called(user: str, name: str = "") -> str:
    """Say whose draft it is, and by what name it was saved."""
    return f"the saved draft {name} of {user}" if name else f"the draft of {user}"


def way_out(user: str, name: str = "") -> str:
    """Say how a draft goes that is in its user's way."""
    how = f"kp draft rm {quote(name)}" if name else "kp discard"
    return f"{user} drops it by {how}"


@disk_failures("recording whose a draft is")
def record(repository: Repository, user: str, commit: str, how: str) -> None:
    """Record, durably, that a user wrote a commit; `how` is for people to read."""
    begin(repository)
    write_file(_file(repository, user, commit), f"{how}\n".encode())


@disk_failures("recording whose drafts are")
def begin(repository: Repository) -> None:
    """Make the folder of records, if it isn't there.

    The repository is one of before, then: what an older kp saved stays its user's.
    """
    folder = repository.path / RECORDS
    if folder.is_dir():
        return
    if os.path.lexists(folder):
        raise CorruptState(
            f"{folder} is no directory", hint="move it away; kp doctor makes it anew"
        )
    with Batch() as batch:
        made = batch.directory(folder)
        for user in users(repository):
            with suppress(KpError):
                commit = repository.tip(ref_of(user))
                if commit and _saved_before(repository, user, commit):
                    name = _file(repository, user, commit).name
                    made.file(name, b"saved by a kp that kept no records\n")
        batch.commit()


def sweep(repository: Repository, user: str) -> None:
    """Remove the older records of a user; what fails stays for the next time."""
    with suppress(OSError, KpError):
        refs = (ref_of(user), *(saved_ref(user, n) for n in saved(repository, user)))
        tips = {f"{_name(user)}@{repository.peek(ref)}" for ref in refs}
        mine = list((repository.path / RECORDS).glob(f"{_name(user)}@*"))
        mine.sort(key=lambda file: file.lstat().st_mtime_ns)
        for file in mine[:-_KEPT]:
            if file.name not in tips:
                remove(file)


def _name(user: str) -> str:
    return ref_of(user).removeprefix(DRAFTS)


def _file(repository: Repository, user: str, commit: str) -> Path:
    return repository.path / RECORDS / f"{_name(user)}@{commit}"


def _is_theirs(repository: Repository, user: str, commit: str) -> bool:
    if os.path.lexists(_file(repository, user, commit)):
        return True
    there = os.path.lexists(repository.path / RECORDS)
    return not there and _saved_before(repository, user, commit)


def _saved_before(repository: Repository, user: str, commit: str) -> bool:
    """Tell a draft of a kp that kept no records from a push that imitates it.

    Author and message can be typed. But kp deflates objects at zlib's usual level, and
    git what it was sent at its fastest (core.looseCompression), which shows in
    the first two bytes; who pushes has no say in that. In a pack it does not show.
    """
    found = repository.commit(commit)
    ours = found.message.startswith(f"draft of {user}\n".encode())
    if len(found.parents) != 1 or not ours:
        return False
    file = loose.path_of(repository.path / "objects", commit)
    return file.is_file() and file.read_bytes()[:2] == zlib.compress(b"")[:2]


def _foreign(
    repository: Repository, user: str, commit: str, ref: str, way: str
) -> Refused:
    git = f"git -C {quote(str(repository.path))}"
    hint = f"{way}; {git} log -p main..{ref} shows it"
    authors = sorted(_authors(repository, commit))
    if authors:
        who = f"{' and '.join(authors)} did"
    else:
        who = "it is not recorded who did"
        file = quote(str(_file(repository, user, commit)))
        hint += f"; if it is {user}'s all the same: touch {file}"
    return Refused(f"{ref} was not written by {user}: {who}", hint=hint)


def _authors(repository: Repository, commit: str) -> Iterator[str]:
    with suppress(OSError):
        for file in (repository.path / RECORDS).glob(f"*@{commit}"):
            if user := user_of(DRAFTS + file.name.partition("@")[0]):
                yield user
