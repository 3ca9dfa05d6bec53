"""The git repository: reading strictly, writing durably. The only user of dulwich.

dulwich gives the object model, the pack format and their parsing. It never writes
here: its commits lose acknowledged ones under concurrency, its gc loses refs, and
nothing of it is synced (docs/adr/0001). Whatever it answers to damage leaves
this module as CorruptState.

dulwich.pack is imported where a pack is met: most reads need none, and it is half
of the start-up cost of `kp status`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from traceback import clear_frames
from typing import Final, TypeVar

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree

from kpstore.disk.durable import sweep_temporaries
from kpstore.errors import CorruptState, DiskFailure, KpError
from kpstore.history.git import loose, refs
from kpstore.history.git.create import RECORDS, check_ours
from kpstore.history.git.objects import (
    DIRECTORY,
    CommitInfo,
    Entry,
    ForeignEntry,
    check_entry,
    tree_bytes,
)
from kpstore.history.git.packs import Packs

GitObject = ShaFile
"""A blob, tree or commit that isn't written yet; made by the functions below."""

# Above this many new objects a commit is one pack: three flushes instead of two an
# object. Below it, loose: a pack for every small commit slows every later read.
_PACK_ABOVE: Final = 24
_CACHED: Final = 4096  # trees and commits kept in memory


def new_blob(data: bytes) -> GitObject:
    """Make a blob."""
    return Blob.from_string(data)


def new_tree(entries: Mapping[str, Entry]) -> GitObject:
    """Make a tree."""
    return ShaFile.from_raw_string(Tree.type_num, tree_bytes(entries))


@lru_cache(maxsize=64)  # by its id: a commit's trees are mostly those of its parent
def entries_of(tree: GitObject) -> Mapping[str, Entry]:
    """Return what is in a tree; ForeignEntry for what kp never writes."""
    entries = _typed(tree, Tree).items()
    found = {
        name.decode("utf-8", "backslashreplace"): Entry(mode, sha.decode())
        for name, mode, sha in entries
    }
    if len(found) != len(entries):
        raise ForeignEntry(f"tree {id_of(tree)} has a name twice")
    for name, entry in found.items():
        check_entry(id_of(tree), name, entry)
    return found


def new_commit(
    *,
    tree: str,
    parents: Iterable[str],
    author: str,
    committer: str,
    time: int,
    message: bytes,
) -> GitObject:
    """Make a commit; people as `Name <mail>`, time in seconds since 1970, UTC."""
    commit = Commit()
    commit.tree = ObjectID(tree.encode())
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    commit.author, commit.committer = author.encode(), committer.encode()
    commit.author_time = commit.commit_time = time
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = None
    commit.message = message
    return commit


def id_of(made: GitObject) -> str:
    """Return the id of an object."""
    return made.id.decode()


class Repository:
    """A bare repository; reads see one state, writes are durable on return."""

    def __init__(self, path: Path) -> None:
        """Open it; NotFound, or Refused when it isn't only ours to write."""
        check_ours(path)
        self.path = path
        self._objects = path / "objects"
        self._packs = Packs(self._objects / "pack")
        self._cache: dict[str, CommitInfo | Mapping[str, Entry]] = {}

    def close(self) -> None:
        """Close the packs; the next read opens them again."""
        self._packs.close()

    def tip(self, ref: str) -> str | None:
        """Return the commit that a ref names; None only where there is no ref.

        CorruptState when the ref, or the commit it names, can't be read.
        """
        found = refs.read(self.path, ref)
        if found is not None:
            self.commit(found)
        return found

    def peek(self, ref: str) -> str | None:
        """Return the id that a ref has, whatever that names."""
        return refs.read(self.path, ref)

    def refs(self, prefix: str) -> list[str]:
        """Return the names of the refs in a folder."""
        return refs.names(self.path, prefix)

    def advance(
        self, ref: str, old: str | None, new: str, *, host: str, wait: float = 10.0
    ) -> None:
        """Move a ref by compare-and-swap; see `refs.advance`."""
        with _writing("moving a ref"):
            refs.advance(self.path, ref, old, new, host=host, wait=wait)

    def settle(self, ref: str, *, host: str, wait: float = 10.0) -> None:
        """Make a ref durable whose writer may not have; see `refs.settle`."""
        with _writing("making a ref durable"):
            refs.settle(self.path, ref, host=host, wait=wait)

    def delete(self, ref: str, old: str, *, host: str, wait: float = 10.0) -> None:
        """Remove a ref that is at `old`; see `refs.delete`."""
        with _writing("removing a ref"):
            refs.delete(self.path, ref, old, host=host, wait=wait)

    def clear(self, ref: str, *, host: str, wait: float = 10.0) -> None:
        """Remove a ref whatever lies in its place; see `refs.clear`."""
        with _writing("removing a ref"):
            refs.clear(self.path, ref, host=host, wait=wait)

    def blob(self, oid: str) -> bytes:
        """Return a file's bytes."""
        with _reading(oid):
            return _typed(self._object(oid), Blob).data

    def tree(self, oid: str) -> Mapping[str, Entry]:
        """Return a directory's entries.

        ForeignEntry when one has a name or a mode that kp never writes.
        """
        cached = self._cache.get(oid)
        if isinstance(cached, dict):
            return cached
        with _reading(oid):
            found = entries_of(self._object(oid))
        self._remember(oid, found)
        return found

    def commit(self, oid: str) -> CommitInfo:
        """Return a commit."""
        cached = self._cache.get(oid)
        if isinstance(cached, CommitInfo):
            return cached
        with _reading(oid):
            commit = _typed(self._object(oid), Commit)
            found = CommitInfo(
                id=oid,
                tree=commit.tree.decode(),
                parents=tuple(parent.decode() for parent in commit.parents),
                author=commit.author.decode("utf-8", "replace"),
                time=commit.author_time,
                message=commit.message,
            )
        self._remember(oid, found)
        return found

    def lookup(self, tree: str, path: str) -> Entry | None:
        """Return what a path below a tree stands for, or None."""
        entry = Entry(DIRECTORY, tree)
        for name in path.split("/"):
            if not entry.is_tree:
                return None
            found = self.tree(entry.id).get(name)
            if found is None:
                return None
            entry = found
        return entry

    def subtree_id(self, commit: str, path: str) -> str | None:
        """Return the id of a file or directory in a commit: equal ids, equal bytes."""
        entry = self.lookup(self.commit(commit).tree, path)
        return entry.id if entry else None

    def write(self, objects: Iterable[GitObject]) -> None:
        """Make objects durable: files, and the directories that name them.

        Nothing refers to them yet. An object that is there already, whoever wrote
        it, is made durable too; an empty or damaged one is replaced.
        """
        new = {id_of(made): made for made in objects}
        with _writing("writing objects"):
            rest = [made for oid, made in new.items() if not self._in_pack(oid)]
            if len(rest) > _PACK_ABOVE:
                with _reading("of the new pack"):
                    self._packs.write(rest)
            else:
                files = {id_of(made): made.as_legacy_object() for made in rest}
                loose.write(self._objects, files)

    def sweep(self, host: str) -> list[str]:
        """Remove what this host's writers left who are gone; under the site's lock."""
        with _writing("sweeping the repository"):
            ours = ("", "kp", RECORDS, "hooks", "objects")
            folders = [path for name in ours if (path := self.path / name).is_dir()]
            folders += filter(Path.is_dir, refs.folders_of_refs(self.path))
            swept = [n for each in folders for n in sweep_temporaries(each)]
            swept += [n for e in self._objects.iterdir() for n in sweep_temporaries(e)]
            return swept + refs.sweep_locks(self.path, host)

    def _object(self, oid: str) -> ShaFile:
        found = self._read_loose(oid)
        if found is None:  # not `or`: an empty tree is false
            found = self._read_packed(oid)
        if found is None:
            raise CorruptState(f"object {oid} is missing", hint="kp doctor")
        if id_of(found) != oid:
            raise CorruptState(f"object {oid} is damaged", hint="kp doctor")
        return found

    def _read_loose(self, oid: str) -> ShaFile | None:
        data = loose.read(self._objects, oid)
        return None if data is None else ShaFile.from_file(BytesIO(data))

    def _read_packed(self, oid: str) -> ShaFile | None:
        raw = self._packs.read(oid)
        return ShaFile.from_raw_string(*raw) if raw else None

    def _in_pack(self, oid: str) -> bool:
        """Tell whether a pack has the object whole; that pack is durable then."""
        try:
            with _reading(oid):
                found = self._read_packed(oid)
        except CorruptState:
            return False
        if found is None or id_of(found) != oid:
            return False
        return self._packs.make_durable(oid)

    def _remember(self, oid: str, found: CommitInfo | Mapping[str, Entry]) -> None:
        if len(self._cache) >= _CACHED:
            self._cache.clear()
        self._cache[oid] = found


_T = TypeVar("_T", bound=ShaFile)


def _typed(found: ShaFile, kind: type[_T]) -> _T:
    if not isinstance(found, kind):
        raise CorruptState(f"object {id_of(found)} is not a {kind.__name__.lower()}")
    return found


@contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except KpError:
        raise
    except OSError as error:
        raise DiskFailure.of(error, f"reading object {what}") from error
    except Exception as error:
        # Damage comes out of dulwich and zlib as eleven classes, AssertionError,
        # TypeError and BufferError among them (docs/adr/0001). Their frames
        # hold views of a pack's mapping, which could not be closed then.
        clear_frames(error.__traceback__)
        raise CorruptState(
            f"object {what} is damaged: {type(error).__name__} {error}",
            hint="kp doctor",
        ) from error


@contextmanager
def _writing(doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskFailure.of(error, doing) from error
