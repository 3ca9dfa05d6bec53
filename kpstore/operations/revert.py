"""Undoing one commit: what it changed, backwards; verdicts stay."""

from dataclasses import dataclass

from kpstore.errors import InvalidInput, Refused
from kpstore.history.merge import merge
from kpstore.history.snapshot import Snapshot, changes_between
from kpstore.model.state import Changes
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Undoing:
    """One commit's changes backwards; `number` is its revision."""

    number: str
    notes: tuple[str, ...]
    _undone: Snapshot
    _backwards: Changes

    @classmethod
    def of(cls, site: OpenSite, rev: str) -> "Undoing":
        """Look at a commit; Refused where there is nothing that can be undone.

        A verdict is no part of what is undone: what was found of a payload stays.
        """
        commit = site.resolve(rev)
        parents = site.repository.commit(commit).parents
        number = f"r{site.record(commit).revision}"
        if not parents:
            raise InvalidInput(
                "the first commit can't be undone",
                hint="kp rollback IMAGE --to REV takes an image back",
            )
        undone = Snapshot(site.repository, commit)
        whole = changes_between(undone, Snapshot(site.repository, parents[0]))
        rest = {key: old for key, old in whole.items() if key.kind != "verdict"}
        notes: tuple[str, ...] = ()
        if len(rest) < len(whole):
            if not rest:
                raise Refused(
                    f"{number} gave a verdict: a revert takes none back",
                    hint="kp good IMAGE or kp bad IMAGE says what is right now",
                )
            notes = (f"the verdict of {number} stays: kp good takes a bad one back",)
        return cls(number, notes, undone, rest)

    def over(self, main: Snapshot) -> Changes:
        """Return what undoes it on main; Conflict where later commits clash."""
        return merge(self._undone, main, self._backwards)
