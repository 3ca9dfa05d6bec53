"""Drafts: edits not yet committed, one per user, as commits that build on main.

Whose a draft is, `owners` knows, how its commits follow each other `draft_chain`. What
a git client may have pushed is read with suspicion, path by path and document by
document.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from kpstore.errors import CorruptState, InvalidInput
from kpstore.history import codec, owners, paths
from kpstore.history.draft_chain import (
    COMMITS,
    SETTLED,
    chain,
    message_of,
    shortened,
)
from kpstore.history.git import trees
from kpstore.history.git.objects import Entry, ForeignEntry
from kpstore.history.git.repository import Repository, id_of, new_commit
from kpstore.history.owners import called, ref_of, users, way_out
from kpstore.history.snapshot import Snapshot, to_tree
from kpstore.history.times import utc
from kpstore.history.walk import on_chain
from kpstore.model.documents import Document, KernelConfig, Node
from kpstore.model.keys import Key
from kpstore.model.state import Changes

__all__ = ["Draft", "discard", "drop", "load", "ref_of", "save", "undo", "users"]


class Draft(NamedTuple):
    """A user's edits; `base` is the commit of main that they were made on.

    `changes` are those to `against`: `base`, or what is beside it since conflicts were
    settled.
    """

    user: str
    base: str
    changes: Changes
    commit: str
    against: str


def load(repository: Repository, user: str, main: str, name: str = "") -> Draft | None:
    """Return a user's draft, or one that was saved by a name, or None.

    `main` is the tip of main.

    Refused when another wrote it, InvalidInput when it was pushed and isn't state:
    every fault is named. CorruptState when it is damaged.
    """
    commit = owners.tip_of(repository, user, name)
    if commit is None:
        return None
    try:
        found = chain(repository, commit, partial(on_chain, repository, main))
        main_then, old, new = (
            Snapshot(repository, each) for each in (found.base, found.against, commit)
        )
        dict(_Reader(main_then, old).changes())  # it may have been pushed, too
        changes = dict(_Reader(old, new).changes())
        return Draft(user, found.base, changes, commit, found.against)
    except (ForeignEntry, InvalidInput) as error:
        message = f"{called(user, name)}: {error.message}"
        hint = f"{error.hint or 'push it without that'}; or {way_out(user, name)}"
        raise InvalidInput(message, hint=hint) from None
    except CorruptState as error:
        message = f"{called(user, name)}: {error.message}"
        hint = f"kp doctor tells whether main is whole; then {way_out(user, name)}"
        raise CorruptState(message, hint=hint) from None


def save(  # noqa: PLR0913  # who, when, what, and on what
    repository: Repository,
    user: str,
    base: str,
    changes: Changes,
    *,
    expected: str | None,
    author: str,
    time: int,
    host: str,
    argv: Sequence[str] = (),
    settled: Changes = MappingProxyType({}),
    wait: float = 10.0,
) -> str:
    """Write a draft durably, as its user's, by one more commit; return that.

    `expected` is the draft's commit that was loaded, on the same base: Conflict when
    the same user saved another one meanwhile. `author` is `Name <mail>`, `argv` the
    command that edits. `changes` are those to what the draft is held against; first
    that becomes what `settled` says.
    """
    made_by = partial(new_commit, author=author, committer=author, time=time)
    known = chain(repository, expected, base.__eq__) if expected else None
    against = Snapshot(repository, known.against if known else base)
    beside: list[str] = []
    if settled:
        tree, objects = to_tree(against, settled)
        made = made_by(tree=tree, parents=[base], message=SETTLED)
        repository.write([*objects, made])
        against = Snapshot(repository, id_of(made))
        beside = [id_of(made)]
    tree, objects = to_tree(against, changes)
    parent = expected or base
    if known and len(known.commits) >= COMMITS:
        objects += shortened(repository, known)
        parent = id_of(objects[-1])
    message = message_of(user, argv)
    made = made_by(tree=tree, parents=[parent, *beside], message=message)
    repository.write([*objects, made])
    owners.record(repository, user, id_of(made), f"saved {utc(time)} on {host}")
    repository.advance(ref_of(user), expected, id_of(made), host=host, wait=wait)
    owners.sweep(repository, user)
    return id_of(made)


def undo(repository: Repository, draft: Draft, *, time: int, host: str) -> None:
    """Take back a draft's newest commit; the draft goes with its last one.

    Conflict when another came since it was read.
    """
    before = repository.commit(draft.commit).parents[0]
    if before == draft.base:
        drop(repository, draft, host=host)
        return
    owners.record(repository, draft.user, before, f"undone {utc(time)} on {host}")
    repository.advance(ref_of(draft.user), draft.commit, before, host=host)
    owners.sweep(repository, draft.user)


def drop(repository: Repository, draft: Draft, *, host: str) -> None:
    """Remove a draft that was read; Conflict when another came since."""
    repository.delete(ref_of(draft.user), draft.commit, host=host)
    owners.sweep(repository, draft.user)


def discard(
    repository: Repository, user: str, *, host: str, wait: float = 10.0
) -> bool:
    """Remove a user's draft, whatever it holds; tell whether there was one."""
    ref = ref_of(user)
    try:
        commit = repository.peek(ref)
    except CorruptState:
        repository.clear(ref, host=host, wait=wait)
        return True
    if commit is not None:
        repository.delete(ref, commit, host=host, wait=wait)
        owners.sweep(repository, user)
    return commit is not None


class _Reader:
    """Reads what a pushed tree changes; InvalidInput for what isn't state."""

    def __init__(self, base: Snapshot, draft: Snapshot) -> None:
        self._base = base
        self._draft = draft
        self._repository = draft.repository

    def changes(self) -> Iterator[tuple[Key, Document | None]]:
        """Yield what differs, each document validated."""
        kernels: set[Key] = set()
        for path, was, now in trees.compare(
            self._repository, self._base.tree, self._draft.tree
        ):
            if path == paths.ATTRIBUTES:
                raise InvalidInput(f"{path} is kp's own: leave it as it is")
            if paths.shard_in(path):
                yield from self._nodes(path, was, now)
            elif owner := paths.pointer_of(path):
                kernels.add(Key("kernel", owner[1], owner[2]))
            elif key := codec.key_of(path):
                kernels |= {key} if key.kind == "kernel" else set()
                yield key, self._document(key, now)
        for key in sorted(kernels):
            self._check_kernel(key)

    def _document(self, key: Key, now: Entry | None) -> Document | None:
        if now is None:
            return None
        return codec.decode(key, self._repository.blob(now.id), InvalidInput)

    def _nodes(
        self, path: str, was: Entry | None, now: Entry | None
    ) -> Iterator[tuple[Key, Document | None]]:
        before = paths.node_lines(self._repository.blob(was.id)) if was else {}
        after = self._node_file(path, now, {line: n for n, line in before.items()})
        for name in sorted(before.keys() | after.keys()):
            node = after.get(name)
            if isinstance(node, Node):
                yield Key("node", name), node
            elif name not in after:
                yield Key("node", name), None

    def _node_file(
        self, path: str, now: Entry | None, known: dict[bytes, str]
    ) -> dict[str, Node | None]:
        """Return the nodes of a file by name; None for a line that didn't change."""
        found: dict[str, Node | None] = {}
        for line in self._repository.blob(now.id).splitlines() if now else []:
            new = None
            if line not in known:
                new = codec.decode_node(path, line, InvalidInput)
            name = new.name if new else known[line]
            if name in found:
                raise InvalidInput(f"{path}: node {name} is there twice")
            if paths.shard_path(paths.shard_of(name)) != path:
                right = paths.shard_path(paths.shard_of(name))
                raise InvalidInput(f"{path}: node {name} belongs into {right}")
            found[name] = new
        return found

    def _check_kernel(self, key: Key) -> None:
        """Hold a kernel's pointers to its kernel.json."""
        folder = codec.path_of(key).removesuffix("/kernel.json")
        oid = self._draft.subtree(folder)
        entries = self._repository.tree(oid) if oid else {}
        files = {
            f"{folder}/{name}": self._repository.blob(entry.id)
            for name, entry in entries.items()
            if name != "kernel.json"
        }
        kernel = self._draft.get(key)
        if isinstance(kernel, KernelConfig):
            codec.check_pointers(key, kernel, files)
        elif files:
            raise InvalidInput(f"{folder} has artifacts and no kernel.json")
