"""Who gave nodes their next boots, and when: told by history, and kept nowhere else."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from kpstore.errors import KpError
from kpstore.history import walk
from kpstore.history.git.objects import CommitInfo
from kpstore.history.git.repository import Repository
from kpstore.history.paths import node_line, path_of
from kpstore.history.revisions import Query, Revision
from kpstore.site.reader import SiteReader

_MOST: Final = 1_000  # nodes of one entry whose history is read: who comes first


@dataclass(frozen=True)
class Overridden:
    """Nodes that boot an entry until that is cleared.

    `lines` are the commits that had them do so, the newest first; none where history
    can't be read.
    """

    image: str
    entry: str
    nodes: Sequence[str]
    lines: Sequence[Revision]

    @property
    def by(self) -> list[str]:
        """Return who did."""
        return sorted({line.author for line in self.lines})


def overridden(
    site: SiteReader, tip: str, boots: Mapping[str, tuple[str, str]]
) -> list[Overridden]:
    """Return the next boots by image and entry; `boots` has those of nodes, by name."""
    nodes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(boots):
        nodes[boots[name]].append(name)
    asked = {name for names in nodes.values() for name in names[:_MOST]}
    told = dict(_told(site, tip, asked)) if asked else {}
    return [
        Overridden(*what, names, sorted({told[n] for n in names if n in told})[::-1])
        for what, names in sorted(nodes.items())
    ]


def _told(
    site: SiteReader, tip: str, names: Collection[str]
) -> Iterator[tuple[str, Revision]]:
    """Yield the newest commit that changed each node's next boot, where it reads."""
    pending, reading = set(names), _Reading(site.repository)
    with suppress(KpError):  # what is damaged stops no other question
        for line, touched in _touching(site, tip, pending):
            here = site.repository.commit(line.commit)
            for name in touched & pending:
                if reading.changes(here, name):
                    pending.discard(name)
                    yield name, line
            if not pending:
                return


def _touching(
    site: SiteReader, tip: str, names: Collection[str]
) -> Iterator[tuple[Revision, set[str]]]:
    """Yield the commits that touched any of the nodes, the newest first."""
    queries = [Query(node=name) for name in names]
    known = site.from_index(
        tip, lambda index: [(each.node, index.revisions(each)) for each in queries]
    )
    if known is None:
        for commit in walk.chain(site.repository, tip):
            touched = walk.places(site.repository, commit)
            yield walk.revision(commit), {n for kind, n, _ in touched if kind == "node"}
        return
    found: dict[Revision, set[str]] = defaultdict(set)
    for name, lines in known:
        for line in lines:
            found[line].add(name or "")
    yield from sorted(found.items(), reverse=True)


class _Reading:
    """Next boots read from history; each file of nodes once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._files: dict[str, bytes] = {}

    def changes(self, commit: CommitInfo, node: str) -> bool:
        """Tell whether a commit changed a node's next boot."""
        parent = commit.parents[0] if commit.parents else None
        before = self._repository.commit(parent).tree if parent else None
        return bool(self._next(commit.tree, node) != self._next(before, node))

    def _next(self, tree: str | None, node: str) -> Any:
        path = path_of(("node", node, ""))
        entry = self._repository.lookup(tree, path) if tree else None
        if entry is None:
            return None
        if entry.id not in self._files:
            self._files[entry.id] = self._repository.blob(entry.id)
        line = node_line(self._files[entry.id], node)
        return json.loads(line)["next"] if line else None
