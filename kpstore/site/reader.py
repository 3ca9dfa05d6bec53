"""A site directory, opened for reading: what needs no model, lock or loader.

`kp status` and `kp log` need no more than this and start the faster for it;
`kpstore.site.OpenSite` adds what writing needs.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from kpstore.errors import CorruptState, KpError, NotFound, Refused
from kpstore.history import owners, revspec, walk
from kpstore.history.index import Index
from kpstore.history.record import Record, parse
from kpstore.history.repository import Repository
from kpstore.history.revisions import Query, Revision
from kpstore.history.revspec import parse_time
from kpstore.site.settings import Settings, load

__all__ = ["MAIN", "Query", "Revision", "SiteReader", "parse_time"]

MAIN: Final = "refs/heads/main"


class SiteReader:
    """One site as this process sees it; nothing is read before it is asked for."""

    def __init__(self, root: Path) -> None:
        """Open it; NotFound when there is no site in `root`."""
        if not (root / "state.git").is_dir():
            raise NotFound(
                f"there is no kp site in {root}",
                hint="kp init makes one; --site or KP_SITE names another",
            )
        self.root = root
        self.repository = Repository(root / "state.git")

    @cached_property
    def settings(self) -> Settings:
        """What kp.toml says."""
        return load(self.root / "kp.toml")

    @property
    def index_file(self) -> Path:
        """Where the derived index lies."""
        return self.root / "cache/index.db"

    @cached_property
    def index(self) -> Index | None:
        """The derived index, when it is whole."""
        return Index.open(self.index_file)

    def tip(self) -> str:
        """Return main's commit; CorruptState when there is no main."""
        tip = self.repository.tip(MAIN)
        if tip is None:
            raise CorruptState(
                f"{self.root}/state.git has no main", hint="kp doctor says how to mend"
            )
        return tip

    def index_at(self, commit: str) -> Index | None:
        """Return the index when it stands at exactly this commit."""
        index = self.index
        return index if index is not None and index.head() == commit else None

    def record(self, commit: str) -> Record:
        """Return what a commit says of itself; Refused when kp did not write it."""
        try:
            return parse(self.repository.commit(commit).message)
        except CorruptState:
            raise Refused(
                f"commit {commit[:12]} was not written by kp: it is never published",
                hint="kp doctor says how to mend main",
            ) from None

    def left_out(self, commit: str | None) -> frozenset[str]:
        """Return the targets that are behind by choice after a commit."""
        return self.record(commit).left_out if commit else frozenset()

    def on_main(self, commit: str) -> bool:
        """Tell whether main's chain holds the commit."""
        tip = self.tip()
        index = self.index_at(tip)
        if index is not None:
            return commit == tip or any(
                r.commit == commit for r in index.of_commit(commit)
            )
        return walk.on_chain(self.repository, tip, commit)

    def revisions(self, query: Query) -> list[Revision]:
        """Return the revisions that a query asks for, newest first."""
        tip = self.tip()
        index = self.index_at(tip)
        if index is not None:
            return index.revisions(query)
        return walk.revisions(self.repository, tip, query)

    def resolve(self, rev: str) -> str:
        """Return the commit on main that `rev` names; see `history.revspec`."""
        tip = self.tip()
        return revspec.resolve(self.repository, tip, rev, self.index_at(tip))

    def fields(self, commit: str, path: str) -> dict[str, Any]:
        """Return a document of a commit as it is written; NotFound without it."""
        entry = self.repository.lookup(self.repository.commit(commit).tree, path)
        if entry is None:
            raise NotFound(f"no {path} in {commit[:12]}")
        found = json.loads(self.repository.blob(entry.id))
        if not isinstance(found, dict):
            raise CorruptState(f"{path} in {commit[:12]} is no JSON object")
        return found

    def names(self, commit: str, folder: str) -> list[str]:
        """Return the names in a folder of a commit, sorted."""
        entry = self.repository.lookup(self.repository.commit(commit).tree, folder)
        return sorted(self.repository.tree(entry.id)) if entry else []

    def drafts(self) -> dict[str, str]:
        """Return the ref of each draft by its user, readable or not."""
        return {user: owners.ref_of(user) for user in owners.users(self.repository)}

    def may_have_draft(self, user: str) -> bool:
        """Tell whether a user has a draft; True where that can't be told."""
        try:
            return user in self.drafts()
        except KpError:
            return True

    def placed(self) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        """Return the rows that kp.toml may have, of main and of all drafts.

        They are `roots` by target and `trees` by image. Drafts that can't be read, or
        are not their user's, have none.
        """
        drafted: set[tuple[str, str]] = set()
        with suppress(KpError):
            for user in self.drafts():
                with suppress(KpError):
                    tip = owners.tip_of(self.repository, user)
                    drafted.update(self._rows(tip) if tip else ())
        return set(self._rows(self.tip())), drafted

    def _rows(self, commit: str) -> Iterator[tuple[str, str]]:
        for name in self.names(commit, "targets"):
            yield "roots", name.removesuffix(".json")
        for name in self.names(commit, "images"):
            yield "trees", name

    def nodes(self, commit: str) -> Iterator[dict[str, Any]]:
        """Read every node's fields as they are written, for listings."""
        entry = self.repository.lookup(self.repository.commit(commit).tree, "nodes")
        files = self.repository.tree(entry.id) if entry else {}
        for name in sorted(files):
            data = self.repository.blob(files[name].id)
            yield from json.loads(b"[" + b",".join(data.splitlines()) + b"]")
