"""Editing and comparing trees: costs follow the change, not the state."""

from collections.abc import Iterable, Iterator, Mapping

from kpstore.history.git.objects import DIRECTORY, FILE, Entry
from kpstore.history.git.repository import (
    GitObject,
    Repository,
    entries_of,
    id_of,
    new_blob,
    new_tree,
)

_Dirty = dict[str, "bytes | _Dirty | None"]
Difference = tuple[str, Entry | None, Entry | None]
"""A file's path, what it was, what it is."""


def build(
    repository: Repository, base: str | None, files: Mapping[str, bytes | None]
) -> tuple[str, list[GitObject]]:
    """Return the tree that is `base` with `files` written, and its new objects.

    None removes a file; a directory without files goes. Only the directories on
    the way to a changed file are read and made anew.
    """
    made: dict[str, GitObject] = {}
    root = _rewrite(repository, base, _nested(files), made)
    if root is None:
        empty = new_tree({})
        root = id_of(empty)
        made[root] = empty
    return root, list(made.values())


def _nested(files: Mapping[str, bytes | None]) -> _Dirty:
    root: _Dirty = {}
    for path, data in files.items():
        *folders, name = path.split("/")
        at = root
        for folder in folders:
            inner = at.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{path} lies below a file")
            at = inner
        at[name] = data
    return root


def _rewrite(
    repository: Repository, base: str | None, dirty: _Dirty, made: dict[str, GitObject]
) -> str | None:
    before = repository.tree(base) if base else {}
    entries = dict(before)
    for name, change in dirty.items():
        entry = _entry(repository, before.get(name), change, made)
        if entry is None:
            entries.pop(name, None)
        else:
            entries[name] = entry
    if not entries:
        return None
    if entries == before:
        return base
    return _add(new_tree(entries), made)


def _entry(
    repository: Repository,
    before: Entry | None,
    change: "bytes | _Dirty | None",
    made: dict[str, GitObject],
) -> Entry | None:
    if isinstance(change, dict):
        inner = before.id if before and before.is_tree else None
        subtree = _rewrite(repository, inner, change, made)
        return Entry(DIRECTORY, subtree) if subtree else None
    if change is None:
        return None
    blob = new_blob(change)
    entry = Entry(FILE, id_of(blob))
    if entry != before:
        _add(blob, made)
    return entry


def _add(new: GitObject, made: dict[str, GitObject]) -> str:
    oid = id_of(new)
    made[oid] = new
    return oid


def subtree(
    repository: Repository, root: str, made: Iterable[GitObject], path: str
) -> str | None:
    """Return the id of a path in what `build` returned, before it is written."""
    new, oid = {id_of(each): each for each in made}, root
    for name in path.split("/"):
        known = new.get(oid)
        entries = repository.tree(oid) if known is None else entries_of(known)
        if name not in entries:
            return None
        oid = entries[name].id
    return oid


def compare(
    repository: Repository, old: str | None, new: str | None, prefix: str = ""
) -> Iterator[Difference]:
    """Walk the files that differ between two trees; equal subtrees aren't read."""
    if old == new:
        return
    before = repository.tree(old) if old else {}
    after = repository.tree(new) if new else {}
    differing = {name for name, _ in before.items() ^ after.items()}
    for name in sorted(differing):
        was, now = before.get(name), after.get(name)
        yield from _compare_entry(repository, prefix + name, was, now)


def _compare_entry(
    repository: Repository, path: str, was: Entry | None, now: Entry | None
) -> Iterator[Difference]:
    old_file = was if was and not was.is_tree else None
    new_file = now if now and not now.is_tree else None
    if old_file or new_file:
        yield path, old_file, new_file
    old_tree = was.id if was and was.is_tree else None
    new_tree_id = now.id if now and now.is_tree else None
    yield from compare(repository, old_tree, new_tree_id, f"{path}/")
