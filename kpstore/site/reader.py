"""A site directory, opened for reading: what needs no model, lock or loader.

`kp status` and `kp log` need no more than this and start the faster for it;
`kpstore.site.opened.OpenSite` adds what writing needs.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

from kpstore.errors import (
    CorruptState,
    DiskFailure,
    InvalidInput,
    KpError,
    NotFound,
    Refused,
)
from kpstore.history import owners, revspec, walk
from kpstore.history.git.repository import Repository
from kpstore.history.index.connection import IndexFailed
from kpstore.history.index.database import Index
from kpstore.history.paths import MAIN
from kpstore.history.record import Record, parse
from kpstore.history.revisions import Query, Revision
from kpstore.history.times import parse_time, utc
from kpstore.site import shared
from kpstore.site.settings import Settings, load

__all__ = ["Query", "Revision", "SiteReader", "parse_time", "utc"]

FORMAT: Final = 1  # of the documents; docs/format.md, Versions
_T = TypeVar("_T")


def quietly(_: str) -> None:
    """Tell nobody."""


class SiteReader:
    """One site as this process sees it; nothing is read before it is asked for."""

    def __init__(self, root: Path, tell: Callable[[str], None] = quietly) -> None:
        """Open it; NotFound when there is no site in `root`.

        `tell` is told, once, what is damaged and stops nobody.
        """
        if not (root / "state.git").is_dir():
            raise NotFound(
                f"there is no kp site in {root}",
                hint="kp init makes one; --site or KP_SITE names another",
            )
        self.root = root
        self.tell = tell
        self._index_failed = False
        self._known = ""
        self.group = shared.declare(root)
        self.repository = Repository(root / "state.git")

    @cached_property
    def settings(self) -> Settings:
        """What kp.toml says."""
        found = load(self.root / "kp.toml")
        shared.declare_targets(found, self.group)
        return found

    def forgive_settings(self) -> None:
        """Go on without a kp.toml that can't be read: no target has a path then."""
        try:
            _ = self.settings
        except InvalidInput as error:
            self.settings = Settings({}, {})
            self.tell(f"{error.message}: no target has a path until that is mended")

    @property
    def index_file(self) -> Path:
        """Where the derived index lies."""
        return self.root / "cache/index.db"

    @cached_property
    def index(self) -> Index | None:
        """The derived index, when it can be opened."""
        return Index.open(self.index_file)

    def drop_index(self, error: IndexFailed) -> None:
        """Go on as if there were no index; a writer of this site makes it anew."""
        self._index_failed = True
        self.index = None
        self.tell(
            f"{self.index_file} is damaged ({error.message}): kp is slower without "
            "it; kp publish makes it anew"
        )

    def tip(self) -> str:
        """Return main's commit; CorruptState when there is no main.

        Refused when a newer kp wrote what this one would misread.
        """
        tip = self.repository.tip(MAIN)
        if tip is None:
            raise CorruptState(
                f"{self.root}/state.git has no main", hint="kp doctor says how to mend"
            )
        if tip != self._known:
            self._refuse_the_future(tip)
            self._known = tip
        return tip

    def _refuse_the_future(self, tip: str) -> None:
        """Refused when main is of a format that this kp may misread."""
        try:
            found = self.fields(tip, "site.json").get("format", FORMAT)
        except (CorruptState, NotFound, ValueError):
            return  # who needs it says what is wrong with it
        if found != FORMAT:
            raise Refused(
                f"site.json: format {found!r} is not known",
                hint=f"this kp reads format {FORMAT}, and a newer kp wrote this: use "
                "that one, here too",
            )

    def from_index(self, commit: str | None, ask: Callable[[Index], _T]) -> _T | None:
        """Return what the index answers for a commit.

        None where it doesn't stand there, and where it fails: then who asks reads
        history itself. Nothing is ever refused for a damaged index. No commit: ask
        it wherever it stands.
        """
        index = self.index
        try:
            if index is None or commit not in (None, index.head()):
                return None
            return ask(index)
        except IndexFailed as error:
            self.drop_index(error)
            return None

    def noted(self, name: str) -> str | None:
        """Return a text that a writer left in the index, whatever it stands at."""
        return self.from_index(None, lambda index: index.noted(name))

    def note(self, notes: Mapping[str, str]) -> None:
        """Leave texts in the index by name, if that can be: it is only an aid."""
        with suppress(DiskFailure):
            self.from_index(None, lambda index: index.note(notes))

    def record(self, commit: str) -> Record:
        """Return what a commit says of itself; Refused when kp did not write it."""
        try:
            return parse(self.repository.commit(commit).message)
        except CorruptState:
            raise Refused(
                f"commit {commit[:12]} was not written by kp: it is never published",
                hint="kp doctor says how to mend main",
            ) from None

    def line_of(self, commit: str) -> Revision | None:
        """Return a commit's line in the history; None unless it is here, and kp's."""
        try:
            return walk.revision(self.repository.commit(commit))
        except CorruptState:
            return None

    def left_out(self, commit: str | None) -> frozenset[str]:
        """Return the targets that are behind by choice after a commit."""
        return self.record(commit).left_out if commit else frozenset()

    def on_main(self, commit: str) -> bool:
        """Tell whether main's chain holds the commit."""
        tip = self.tip()
        if commit == tip:
            return True
        known = self.from_index(tip, lambda index: index.of_commit(commit))
        if known is None:
            return walk.on_chain(self.repository, tip, commit)
        return any(line.commit == commit for line in known)

    def revisions(self, query: Query) -> list[Revision]:
        """Return the revisions that a query asks for, newest first."""
        tip = self.tip()
        known = self.from_index(tip, lambda index: index.revisions(query))
        return walk.revisions(self.repository, tip, query) if known is None else known

    def resolve(self, rev: str) -> str:
        """Return the commit on main that `rev` names; see `history.revspec`."""
        tip, repository = self.tip(), self.repository
        known = self.from_index(
            tip, lambda index: revspec.resolve(repository, tip, rev, index)
        )
        return known or revspec.resolve(repository, tip, rev)

    def fields(self, commit: str, path: str) -> dict[str, Any]:
        """Return a document of a commit as it is written; NotFound without it."""
        entry = self.repository.lookup(self.repository.commit(commit).tree, path)
        if entry is None:
            raise NotFound(
                f"no {path} in {commit[:12]}",
                hint="kp log tells what each revision holds",
            )
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

        Saved ones count. They are `roots` by target and `trees` by image. Drafts that
        can't be read, or are not their user's, have none.
        """
        drafted: set[tuple[str, str]] = set()
        with suppress(KpError):
            for user, name in owners.every(self.repository):
                with suppress(KpError):
                    tip = owners.tip_of(self.repository, user, name)
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
