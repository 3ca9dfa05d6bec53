"""A directory tree as a value: read it, and make a directory equal to it again.

Kept: names, bytes, link texts, modes, modification times, hard links.
Not kept: owners, extended attributes, other times, holes, devices.
`restore` compares by content and touches only what differs, which is several times
cheaper than a fresh copy.
"""

import os
import shutil
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MEMORY = Path("/dev/shm")
Kind = Literal["file", "dir", "link", "fifo"]
KINDS: dict[int, Kind] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
}


@dataclass(frozen=True)
class Node:
    """One entry; `data` is a file's bytes or a link's text, `ino` tells hard links."""

    kind: Kind
    mode: int
    mtime_ns: int
    ino: int
    data: bytes = b""


Tree = dict[str, Node]  # by path relative to the root, parents before children; "" too


@contextmanager
def scratch(base: Path | None = None) -> Iterator[Path]:
    """Make an empty directory, in memory if the machine has such a place."""
    if base is None and os.access(MEMORY, os.W_OK):
        base = MEMORY
    where = Path(tempfile.mkdtemp(prefix="kp-crash-", dir=base)).resolve()
    try:
        yield where
    finally:
        shutil.rmtree(where)


def capture(root: Path) -> Tree:
    """Read the tree at `root`."""
    found: Tree = {"": read_node(os.fspath(root))}
    _capture(os.fspath(root), "", found)
    return found


def _capture(directory: str, prefix: str, found: Tree) -> None:
    with os.scandir(directory) as entries:
        listing = sorted(entries, key=lambda entry: entry.name)
    for entry in listing:
        node = found[prefix + entry.name] = read_node(entry.path)
        if node.kind == "dir":
            _capture(entry.path, f"{prefix}{entry.name}/", found)


def read_node(path: str) -> Node:
    """Read one entry, links not followed."""
    facts = os.lstat(path)
    kind = KINDS.get(stat.S_IFMT(facts.st_mode))
    if kind is None:
        raise ValueError(f"{path}: neither file, directory, link nor FIFO")
    data = b""
    if kind == "link":
        data = os.fsencode(os.readlink(path))
    elif kind == "file":
        data = Path(path).read_bytes()
    mode = stat.S_IMODE(facts.st_mode)
    return Node(kind, mode, facts.st_mtime_ns, facts.st_ino, data)


def restore(tree: Tree, root: Path) -> None:
    """Make the directory `root` equal to `tree`."""
    Restorer(tree, os.fspath(root)).run()


class Restorer:
    """One restoration; shared inodes are linked to the first name restored."""

    def __init__(self, tree: Tree, root: str) -> None:
        self._tree, self._root = tree, root
        self._children: dict[str, list[str]] = {"": []}
        for path, node in tree.items():
            if node.kind == "dir":
                self._children.setdefault(path, [])
            if path:
                self._children[path.rpartition("/")[0]].append(path)
        files = (node.ino for node in tree.values() if node.kind == "file")
        self._shared = {ino for ino, count in Counter(files).items() if count > 1}
        self._first: dict[int, str] = {}

    def run(self) -> None:
        """Do it."""
        os.makedirs(self._root, exist_ok=True)
        self._directory("")

    def _directory(self, path: str) -> None:
        where = os.path.join(self._root, path)
        with os.scandir(where) as entries:
            present = {entry.name: entry for entry in entries}
        for child in self._children[path]:
            present.pop(os.path.basename(child), None)
            if self._tree[child].kind == "dir":
                self._make_directory(child)
                self._directory(child)
            else:
                self._leaf(child)
        for entry in present.values():
            remove(entry.path)
        _set_facts(where, self._tree[path])

    def _make_directory(self, path: str) -> None:
        where = os.path.join(self._root, path)
        if os.path.islink(where) or not os.path.isdir(where):
            remove(where)
            os.mkdir(where)

    def _leaf(self, path: str) -> None:
        where, node = os.path.join(self._root, path), self._tree[path]
        if node.ino in self._shared:
            self._shared_leaf(where, node)
        elif not _is_same(where, node):
            remove(where)
            _make_leaf(where, node)
        else:
            _set_facts(where, node)

    def _shared_leaf(self, where: str, node: Node) -> None:
        remove(where)
        if node.ino in self._first:
            os.link(self._first[node.ino], where)
        else:
            self._first[node.ino] = where
            _make_leaf(where, node)


def _is_same(where: str, node: Node) -> bool:
    try:
        facts = os.lstat(where)
    except FileNotFoundError:
        return False
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFLNK:
        return node.kind == "link" and os.fsencode(os.readlink(where)) == node.data
    if kind != stat.S_IFREG or node.kind != "file" or facts.st_nlink > 1:
        return False
    return facts.st_size == len(node.data) and Path(where).read_bytes() == node.data


def _make_leaf(where: str, node: Node) -> None:
    if node.kind == "link":
        os.symlink(node.data, where.encode())
    elif node.kind == "fifo":
        os.mkfifo(where)
    else:
        with open(where, "wb") as file:
            file.write(node.data)
    _set_facts(where, node)


def _set_facts(where: str, node: Node) -> None:
    facts = os.lstat(where)
    if node.kind != "link" and stat.S_IMODE(facts.st_mode) != node.mode:
        os.chmod(where, node.mode)
    if facts.st_mtime_ns != node.mtime_ns:
        times = (node.mtime_ns, node.mtime_ns)
        os.utime(where, ns=times, follow_symlinks=False)


def remove(path: str) -> None:
    """Remove what is at `path`, if anything."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
