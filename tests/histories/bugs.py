"""Bugs put into kp on purpose: what random histories must find, and what shows each.

Not of model or readers: they stay sound, and import nothing of this.
"""

from collections.abc import Collection, Iterator
from copy import copy
from dataclasses import replace
from typing import Any, NamedTuple

from kpstore.health import candidates
from kpstore.history import merge as merging
from kpstore.model.moves import Moves
from kpstore.model.templates import Template
from kpstore.operations import rollback as restoring
from kpstore.operations.proposal import Proposal
from kpstore.operations.retention import Keeping
from kpstore.targets.tftp import sweep, target
from kpstore.targets.tftp.render import _Change
from support.crash.seeded import Bug, bug, nothing, together

_fresh, _forms, _going = _Change._fresh, _Change._forms, sweep._going
_sweep = target.sweep


class Sown(NamedTuple):
    """A bug, the words that its finding has, and the steps that lead to it."""

    bug: Bug
    shows: str
    often: Collection[str] = ()


def _own_files_forgotten(layout: Any, parts: Any, since: float) -> Any:
    """What a generation needs leaves out what only nodes' own files name."""
    forgetful = copy(parts)
    forgetful.kept = {
        name: replace(
            state,
            shards={xx: replace(p, objects=()) for xx, p in state.shards.items()},
        )
        for name, state in parts.kept.items()
    }
    return _going(layout, forgetful, since)


def _nothing_kept(layout: Any, _: Collection[str], *args: Any, **more: Any) -> Any:
    """What is kept of the past is not: only what is live, and what is young."""
    return _sweep(layout, (), *args, **more)


def _only_new(self: _Change) -> list[Template]:
    """A template that means something else now keeps its old menu."""
    before = self._moves.census.templates()
    return [each for each in self._moves.templates if each not in before]


def _only_moved(self: _Change, boots: Any) -> Iterator[Any]:
    """A node whose template stays has no other file, whatever its variables are."""
    same = {
        mac
        for move in self._moves.nodes.values()
        if move.new and move.old_template == move.new_template
        for mac in move.new.macs
    }
    yield from (each for each in _forms(self, boots) if each[0] not in same)


def _mine_wins(key: Any, field: str, was: Any, now: Any, ours: Any) -> Any:
    """A draft's value replaces main's, whoever changed it meanwhile."""
    return ours, None


_no_proof = bug(sweep, _prove=nothing)
SOWN: dict[str, Sown] = {
    "own files' kernels are swept": Sown(
        together(bug(sweep, _going=_own_files_forgotten), _no_proof),
        "nothing there|which is gone|objects",
        ("gc", "days"),
    ),
    "kept generations are swept": Sown(
        bug(target, sweep=_nothing_kept),
        "generations that are to be kept|is gone",
        ("gc", "days"),
    ),
    "artifacts of drafts are removed": Sown(
        bug(Keeping, _drafted=lambda _: ()),
        "artifacts of|files are gone",
        ("gc", "days", "kernel add"),
    ),
    "a changed group is forgotten": Sown(
        bug(Moves, _regrouped=frozenset()),
        "by (grub|ipxe|pxelinux)|verify|log --node",
        ("edit",),
    ),
    "a kept template is stale": Sown(
        bug(_Change, _fresh=_only_new), "by (grub|ipxe|pxelinux)|verify"
    ),
    "an own file is not redrawn": Sown(
        bug(_Change, _forms=_only_moved), "by (grub|ipxe|pxelinux)|verify", ("edit",)
    ),
    "a rollback leaves overrides": Sown(
        bug(restoring, clear_overrides=lambda *_: []),
        "",
        ("rollback", "verdict", "next", "default", "entry add"),
    ),
    "what was left behind is forgotten": Sown(
        bug(Proposal, left_behind=lambda self, without, along: frozenset(without)),
        "status of|targets",
        ("commit", "edit"),
    ),
    "a rollback takes what nobody called good": Sown(
        bug(candidates, is_good=lambda *_: True),
        "the model refuses|model",
        ("rollback", "default", "entry set"),
    ),
    "a draft overrules main": Sown(
        bug(merging, _value=_mine_wins), "the model refuses|model", ("commit", "edit")
    ),
}
