"""The documents of one commit, read when they are asked for."""

import json
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any

from kpstore.errors import CorruptState
from kpstore.history import codec, paths
from kpstore.history.git import trees
from kpstore.history.git.repository import GitObject, Repository
from kpstore.model.documents import Document, KernelConfig, Node
from kpstore.model.keys import Key, Kind
from kpstore.model.state import Changes

Differences = dict[Key, tuple[Document | None, Document | None]]


class Snapshot:
    """A commit's documents; no commit: none. Implements `model.state.Documents`."""

    def __init__(self, repository: Repository, commit: str | None) -> None:
        self.repository = repository
        self.commit = commit
        self._documents: dict[Key, Document | None] = {}
        self._blobs: dict[str, bytes] = {}

    @cached_property
    def tree(self) -> str | None:
        """Return the id of the root tree."""
        return self.repository.commit(self.commit).tree if self.commit else None

    def subtree(self, path: str) -> str | None:
        """Return the id of a file or directory: equal ids, equal bytes."""
        entry = self.repository.lookup(self.tree, path) if self.tree else None
        return entry.id if entry else None

    def get(self, key: Key) -> Document | None:
        """Return a document, or None."""
        if key not in self._documents:
            self._documents[key] = self._read(key)
        return self._documents[key]

    def names(self, kind: Kind, within: str = "") -> list[str]:
        """Return the sorted names of a kind, of entries and kernels within an image."""
        if kind == "site":
            return [""] if self.subtree("site.json") else []
        if kind == "node":
            return sorted(name for lines in self._lines() for name in lines)
        if kind == "verdict":
            return sorted(self._verdicts())
        folder = paths.folder_of(kind, within)
        last = folder.suffix.removeprefix("/")
        if last != folder.suffix:
            return sorted(
                name
                for name in self._list(folder.path)
                if self.subtree(f"{folder.path}/{name}/{last}")
            )
        return sorted(name.removesuffix(last) for name in self._list(folder.path))

    def nodes(self) -> Iterator[Node]:
        """Read every node, file by file."""
        for path, data in self._shards():
            yield from codec.decode_shard(path, data)

    def raw_nodes(self) -> Iterator[dict[str, Any]]:
        """Read every node's fields as they are written, unvalidated, for listings."""
        for path, data in self._shards():
            try:
                yield from json.loads(b"[" + b",".join(data.splitlines()) + b"]")
            except ValueError as error:
                raise CorruptState(f"{path}: {error}") from error

    def _read(self, key: Key) -> Document | None:
        path = codec.path_of(key)
        oid = self.subtree(path)
        if oid is None:
            return None
        if key.kind != "node":
            return codec.decode(key, self.repository.blob(oid))
        line = paths.node_line(self._blob(oid), key.name)
        return codec.decode_node(path, line) if line is not None else None

    def _blob(self, oid: str) -> bytes:
        """Read a node file once: many nodes of it may be asked for."""
        if oid not in self._blobs:
            self._blobs[oid] = self.repository.blob(oid)
        return self._blobs[oid]

    def _list(self, path: str) -> list[str]:
        oid = self.subtree(path)
        return list(self.repository.tree(oid)) if oid else []

    def _verdicts(self) -> Iterator[str]:
        for folder in self._list("verdicts"):
            for name in self._list(f"verdicts/{folder}"):
                yield name.removesuffix(".json")

    def _shards(self) -> Iterator[tuple[str, bytes]]:
        oid = self.subtree("nodes")
        entries = self.repository.tree(oid) if oid else {}
        for name, entry in sorted(entries.items()):
            yield f"nodes/{name}", self.repository.blob(entry.id)

    def _lines(self) -> Iterator[dict[str, bytes]]:
        for _, data in self._shards():
            yield paths.node_lines(data)


def diff(old: Snapshot, new: Snapshot) -> Differences:
    """Return what differs: key -> (old, new document), None for absent."""
    return {key: (old.get(key), new.get(key)) for key in differing(old, new)}


def differing(old: Snapshot, new: Snapshot) -> Iterator[Key]:
    """Yield the keys of what differs, in no order, without reading documents."""
    repository = new.repository
    for path, was, now in trees.compare(repository, old.tree, new.tree):
        if paths.shard_in(path):
            before = repository.blob(was.id) if was else b""
            after = repository.blob(now.id) if now else b""
            yield from map(partial(Key, "node"), paths.changed_nodes(before, after))
        elif key := codec.key_of(path):
            yield key


def changes_between(old: Snapshot, new: Snapshot) -> Changes:
    """Return the changes that make `old` into `new`."""
    return {key: after for key, (_, after) in diff(old, new).items()}


def to_tree(base: Snapshot, changes: Changes) -> tuple[str, list[GitObject]]:
    """Return the tree of `changes` laid over `base`, and its new objects."""
    files: dict[str, bytes | None] = {}
    if base.subtree(paths.ATTRIBUTES) is None:
        files[paths.ATTRIBUTES] = codec.GITATTRIBUTES
    nodes: dict[str, dict[str, Node | None]] = {}
    for key, document in changes.items():
        if key.kind == "node":
            assert document is None or isinstance(document, Node)
            nodes.setdefault(codec.path_of(key), {})[key.name] = document
        else:
            files |= _files(base, key, document)
    for path, changed in nodes.items():
        files[path] = _shard(base, path, changed)
    return trees.build(base.repository, base.tree, files)


def _files(
    base: Snapshot, key: Key, document: Document | None
) -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = {codec.path_of(key): None}
    before = base.get(key) if key.kind == "kernel" else None
    if isinstance(before, KernelConfig):
        files |= dict.fromkeys(codec.pointers_of(key, before))
    if document is not None:
        files |= codec.files_of(key, document)
    return files


def _shard(base: Snapshot, path: str, changed: dict[str, Node | None]) -> bytes | None:
    oid = base.subtree(path)
    lines = paths.node_lines(base.repository.blob(oid)) if oid else {}
    for name, node in changed.items():
        if node is None:
            lines.pop(name, None)
        else:
            lines[name] = codec.encode_node(node)
    return codec.join_lines(lines) or None
