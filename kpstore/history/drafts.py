"""Drafts: edits not yet committed, one per user, as commits that build on main.

Whose a draft is, `owners` knows. kp writes one as one commit on its base. A git client
may push any number of commits there: they are read with suspicion, path by path and
document by document.
"""

from collections.abc import Iterator
from typing import NamedTuple

from kpstore.errors import CorruptState, InvalidInput
from kpstore.history import codec, owners, paths
from kpstore.history.git import trees
from kpstore.history.git.objects import Entry, ForeignEntry
from kpstore.history.git.repository import Repository, id_of, new_commit
from kpstore.history.owners import ref_of, users, way_out
from kpstore.history.snapshot import Snapshot, to_tree
from kpstore.history.times import utc
from kpstore.history.walk import on_chain
from kpstore.model.documents import Document, KernelConfig, Node
from kpstore.model.keys import Key
from kpstore.model.state import Changes

__all__ = ["Draft", "discard", "drop", "load", "ref_of", "save", "users"]


class Draft(NamedTuple):
    """A user's edits; `base` is the commit of main that they were made on."""

    user: str
    base: str
    changes: Changes
    commit: str


def load(repository: Repository, user: str, main: str) -> Draft | None:
    """Return a user's draft, or None; `main` is the tip of main.

    Refused when another wrote it, InvalidInput when it was pushed and isn't state:
    every fault is named. CorruptState when it is damaged.
    """
    commit = owners.tip_of(repository, user)
    if commit is None:
        return None
    try:
        base = _base_of(repository, commit, main)
        old, new = Snapshot(repository, base), Snapshot(repository, commit)
        return Draft(user, base, dict(_Reader(old, new).changes()), commit)
    except (ForeignEntry, InvalidInput) as error:
        message = f"the draft of {user}: {error.message}"
        hint = f"{error.hint or 'push it without that'}; or {way_out(user)}"
        raise InvalidInput(message, hint=hint) from None
    except CorruptState as error:
        message = f"the draft of {user}: {error.message}"
        hint = f"kp doctor tells whether main is whole; then {way_out(user)}"
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
    wait: float = 10.0,
) -> str:
    """Write a draft durably, as its user's; return its commit.

    `expected` is the draft's commit that was loaded: Conflict when the same user
    saved another one meanwhile. `author` is `Name <mail>`.
    """
    tree, objects = to_tree(Snapshot(repository, base), changes)
    made = new_commit(
        tree=tree,
        parents=[base],
        author=author,
        committer=author,
        time=time,
        message=f"draft of {user}\n".encode(),
    )
    repository.write([*objects, made])
    owners.record(repository, user, id_of(made), f"saved {utc(time)} on {host}")
    repository.advance(ref_of(user), expected, id_of(made), host=host, wait=wait)
    owners.sweep(repository, user)
    return id_of(made)


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


def _base_of(repository: Repository, commit: str, main: str) -> str:
    """Return the newest commit of main that a draft's first parents lead to."""
    at = commit
    for _ in range(owners.COMMITS):
        if on_chain(repository, main, at):
            return at
        parents = repository.commit(at).parents
        if not parents:
            break
        at = parents[0]
    raise InvalidInput(
        f"{commit[:12]} does not build on main",
        hint="git fetch, git rebase origin/main, push again",
    )


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
