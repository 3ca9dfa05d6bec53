"""Edits, main moving on, undo and resolve: no field is lost, and none invented.

What kp makes of random steps is held against a model of a dozen lines, which knows
fields by name and nothing of documents, commits or merging.
"""

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpstore.errors import Conflict, NotFound
from kpstore.history.merge import ABSENT, three_way, with_field
from kpstore.history.paths import MAIN
from kpstore.history.snapshot import Snapshot
from kpstore.history.walk import on_chain
from kpstore.model.documents import Node
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.draft.resolve import Resolve, resolve
from kpstore.operations.draft.undo import undo
from support.histories import SITE, START, commit, grow, make, node

FIELDS = [
    ("n000001", "index"),
    ("n000001", "vars.a"),
    ("n000002", "params"),
]
VALUES: dict[str, list[Any]] = {
    "index": [None, 1, 2, 3],
    "params": [(), ("a",), ("b", "c=1"), ("d",)],
    "vars.a": [ABSENT, "x", "y", "z"],
}
Field = tuple[str, str]


@dataclass
class Model:
    """What main has, and of a draft: what each field was to it, and is by it."""

    main: dict[Field, Any]
    was: dict[Field, Any] = field(default_factory=dict)
    mine: dict[Field, Any] = field(default_factory=dict)
    before: list[tuple[dict[Field, Any], dict[Field, Any]]] = field(
        default_factory=list
    )

    def clashes(self) -> set[Field]:
        return {
            each
            for each in self.mine
            if self.was[each] not in (self.mine[each], self.main[each])
            and self.mine[each] != self.main[each]
        }

    def result(self) -> dict[Field, Any]:
        """Main with the draft over it, where they don't clash."""
        ours = {f for f in self.mine if self.mine[f] != self.was[f]}
        return self.main | {f: self.mine[f] for f in ours - self.clashes()}

    def edit(self, what: Field, value: Any) -> None:
        was, mine = self.was or dict(self.main), self.mine or dict(self.main)
        if value == mine[what]:
            return
        clashes = what in self.clashes()
        self.before.append((self.was, self.mine))
        self.was = was | ({what: self.main[what]} if clashes else {})
        self.mine = mine | {what: value}

    def settle(self, what: Field, value: Any) -> None:
        self.before.append((self.was, self.mine))
        self.was = self.was | {what: self.main[what]}
        self.mine = self.mine | {what: value}

    def undo(self) -> None:
        if self.before:
            self.was, self.mine = self.before.pop()


class Trial:
    """The same with kp: a repository, and one person's draft in it."""

    def __init__(self, where: Path) -> None:
        self.repository = make(where / "state.git")
        made = {Key("node", name): node(int(name[1:])) for name, _ in FIELDS}
        self.tip = grow(self.repository, SITE, made)[-1]
        self.revision = 2
        self.said: list[str] = []
        self.caller = Caller(
            "ann", "head1", ("kp",), lambda: START, notify=self.said.append
        )

    @property
    def site(self) -> Any:
        """As much of a site as a draft asks for."""
        return SimpleNamespace(
            repository=self.repository,
            tip=lambda: self.tip,
            main=lambda: Snapshot(self.repository, self.tip),
            on_main=lambda each: on_chain(self.repository, self.tip, each),
            locked=lambda *_, **__: nullcontext(),
        )

    def advance(self, changes: Any) -> None:
        self.revision += 1
        made = commit(self.repository, self.tip, changes, revision=self.revision)
        self.repository.advance(MAIN, self.tip, made, host="head1")
        self.tip = made

    def set_on_main(self, what: Field, value: Any) -> None:
        key = Key("node", what[0])
        known = Snapshot(self.repository, self.tip).get(key)
        assert known
        self.advance({key: with_field(known, what[1], value)})

    def edit(self, what: Field, value: Any) -> None:
        mine, key = CallersDraft(self.site, self.caller), Key("node", what[0])
        draft, state = mine.open()
        known = state.get(key)
        assert known
        state.put(key, with_field(known, what[1], value))
        edited = mine.edited(draft, state, self.site.main())
        if edited.is_new:
            mine.save(edited)

    def resolve(self, what: Field, take: Any, value: str = "") -> None:
        name = f"node/{what[0]}/{what[1]}"
        resolve(self.site, self.caller, Resolve([name], take, value))

    def undo(self) -> None:
        undo(self.site, self.caller)

    def commit(self) -> None:
        mine = CallersDraft(self.site, self.caller)
        changes = mine.merged(self.site.main())
        if changes:
            self.advance(changes)
        mine.drop_read()

    def result(self) -> tuple[dict[Field, Any], set[Field]]:
        """Main with the draft over it, and what clashes."""
        found = CallersDraft(self.site, self.caller).compared(self.site.main())
        state = State(self.site.main(), found.changes)
        clashes = {(clash.key.name, clash.field) for clash in found.clashes}
        return {each: _value(state, each) for each in FIELDS}, clashes


def _value(state: State, what: Field) -> Any:
    document, (name, _, item) = state.node(what[0]), what[1].partition(".")
    value = getattr(document, name)
    return value.get(item, ABSENT) if item else value


KINDS = ["edit", "edit", "main", "main", "again", "mine", "theirs", "value"]
KINDS += ["undo", "commit"]
STEPS = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from(FIELDS),
    st.integers(0, 3),
)


def _typed(value: Any) -> str:
    if value in (ABSENT, None):
        return "null"
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _step(trial: Trial, model: Model, kind: str, what: Field, value: Any) -> None:
    if kind == "main":
        trial.set_on_main(what, value)
        model.main[what] = value
    elif kind in ("edit", "again"):
        trial.edit(what, value)
        model.edit(what, value)
    elif kind == "undo":
        trial.undo()
        model.undo()
    elif kind == "commit":
        if model.clashes():
            with pytest.raises(Conflict):
                trial.commit()
            return
        trial.commit()
        model.main = model.result()
        model.was, model.mine, model.before = {}, {}, []
    elif what not in model.clashes():
        with pytest.raises(NotFound):
            trial.resolve(what, "mine")
    else:
        sides = {"mine": model.mine[what], "theirs": model.main[what], "value": value}
        take = "main" if kind == "theirs" else kind
        trial.resolve(what, take, _typed(value))
        model.settle(what, sides[kind])


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, min_size=8, max_size=25))
def test_no_field_is_lost_and_none_invented(
    steps: list[tuple[str, Field, int]],
) -> None:
    with tempfile.TemporaryDirectory(prefix="kp-resolve-") as where:
        trial = Trial(Path(where))
        model = Model(trial.result()[0])
        for kind, drawn, number in steps:
            clashes = sorted(model.clashes())
            settles = kind in ("mine", "theirs", "value", "again") and clashes
            what = clashes[number % len(clashes)] if settles else drawn
            value = VALUES[what[1]][number]
            _step(trial, model, kind, what, value)
            assert trial.result() == (model.result(), model.clashes())
            left = _drafted(trial)
            assert left == len(model.before)


def _drafted(trial: Trial) -> int:
    found = undo(trial.site, trial.caller, dry_run=True)
    return found.left + 1 if found else 0


# --- documents that one side removed


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


KEY = Key("node", "n000001")


def _drop(trial: Trial) -> None:
    mine = CallersDraft(trial.site, trial.caller)
    draft, state = mine.open()
    state.drop(KEY)
    mine.save(mine.edited(draft, state, trial.site.main()))


def _is_there(trial: Trial) -> bool:
    return trial.site.main().get(KEY) is not None


Deed = Callable[[Trial], None]
CASES: list[tuple[Deed, Deed, str, bool]] = [
    (_drop, lambda t: t.set_on_main(FIELDS[0], 3), "mine", False),
    (_drop, lambda t: t.set_on_main(FIELDS[0], 3), "main", True),
    (lambda t: t.edit(FIELDS[0], 3), lambda t: t.advance({KEY: None}), "mine", True),
    (lambda t: t.edit(FIELDS[0], 3), lambda t: t.advance({KEY: None}), "main", False),
]


@pytest.mark.parametrize(("mine", "main", "take", "there"), CASES)
def test_a_document_that_one_side_removed(
    trial: Trial, mine: Deed, main: Deed, take: Any, *, there: bool
) -> None:
    mine(trial)
    main(trial)
    with pytest.raises(Conflict, match="node n000001 is "):
        trial.commit()
    with pytest.raises(NotFound):
        resolve(trial.site, trial.caller, Resolve(["node/n000001/index"], take))
    resolve(trial.site, trial.caller, Resolve(["node/n000001"], take))
    trial.commit()
    assert _is_there(trial) == there


def test_what_is_removed_by_an_edit_is_removed_whatever_clashed(trial: Trial) -> None:
    trial.edit(FIELDS[0], 3)
    trial.edit(FIELDS[1], "y")
    trial.set_on_main(FIELDS[0], 2)
    _drop(trial)
    assert trial.said == [
        "settled: node n000001 is changed on main, removed in the draft"
    ]
    trial.commit()
    assert not _is_there(trial)


def test_editing_a_field_again_settles_it_and_undo_takes_that_back(
    trial: Trial,
) -> None:
    trial.edit(FIELDS[0], 3)
    trial.set_on_main(FIELDS[0], 2)
    trial.edit(FIELDS[1], "x")
    assert trial.result()[1] == {FIELDS[0]}
    trial.edit(FIELDS[0], None)
    assert trial.said == [
        "settled: node n000001: index is 2 on main, unset in the draft"
    ]
    assert trial.result()[1] == set()
    trial.undo()
    assert trial.result()[1] == {FIELDS[0]}
    trial.edit(FIELDS[0], 1)  # as it was at first: an edit of main's all the same
    trial.commit()
    assert trial.result()[0][FIELDS[0]] == 1


def test_main_that_moves_on_after_it_was_settled_clashes_anew(trial: Trial) -> None:
    trial.edit(FIELDS[0], 3)
    trial.set_on_main(FIELDS[0], 2)
    trial.resolve(FIELDS[0], "mine")
    assert trial.result()[1] == set()
    trial.set_on_main(FIELDS[0], None)
    assert trial.result()[1] == {FIELDS[0]}
    with pytest.raises(Conflict, match="index is unset on main, 3 in the draft"):
        trial.commit()


def test_a_merge_of_one_s_own_is_held_against_what_it_was(trial: Trial) -> None:
    """What a draft is held against is its own: main isn't touched by settling."""
    trial.edit(FIELDS[0], 3)
    trial.set_on_main(FIELDS[0], 2)
    trial.resolve(FIELDS[0], "value", "1")
    known = CallersDraft(trial.site, trial.caller).read()
    assert known
    assert known.base != known.against
    base, main = Snapshot(trial.repository, known.against), trial.site.main()
    assert three_way(base, main, known.changes).clashes == ()
    document = base.get(KEY)
    assert isinstance(document, Node)
    assert document.index == 2
