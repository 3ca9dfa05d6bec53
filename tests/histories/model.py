"""A site as it should be: its history, drafts, and what each place serves.

The rules are those of docs/architecture.md, sections 5 and 6; no code is shared with
what is judged.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from histories.boots import chosen, disk_of
from histories.documents import (
    Changes,
    No,
    State,
    changed,
    image_of,
    judge,
    laid,
    merged_changes,
    names,
    payload,
    refuse_clashing,
    settled,
    three_way,
    value_at,
    verdict_on,
)
from histories.rules import (
    bootable,
    default_payload,
    missing_files,
    node_payload,
    refuse_commit,
    refuse_hypervisor,
    touched,
    undrawable,
)

GRACE, GENERATIONS, KNOWN_GOOD = 86_400, 10, 3


@dataclass
class Revision:
    """One commit: `without` are the targets that are behind by choice after it."""

    number: int
    state: State
    op: str
    author: str
    subject: str
    time: float
    commit: str = ""


@dataclass
class Place:
    """Where a target is, or was: `serves` is a revision's number, 0 for nothing.

    `lists`: the last one that had entries for a tree, which stay where none has and
    there was no loader file before kp's, `has_original`.
    `made`: revisions that were generations here, with the time of each switch.
    """

    name: str
    kind: str
    serves: int = 0
    lists: int = 0
    mounted: bool = True
    has_path: bool = False
    has_original: bool = False
    by_choice: bool = False
    made: list[tuple[int, float]] = field(default_factory=list)


@dataclass
class Draft:
    """A person's edits, against what, and both as they were before each edit."""

    against: State
    changes: Changes
    before: list[tuple[State, Changes]] = field(default_factory=list)


@dataclass
class Model:
    """The whole site."""

    history: list[Revision]
    places: dict[str, Place] = field(default_factory=dict)
    drafts: dict[str, Draft] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)

    @property
    def tip(self) -> Revision:
        return self.history[-1]

    @property
    def main(self) -> State:
        return self.tip.state

    def at(self, number: int) -> State:
        return self.history[number - 1].state

    # --- drafts

    def merged(self, user: str) -> Changes:
        """A person's draft as changes to main; or a Clash."""
        draft = self.drafts.get(user)
        if draft is None:
            return {}
        return merged_changes(draft.against, self.main, draft.changes)

    def drafted(self, user: str) -> State:
        """What a person edits: the draft on the main of its day."""
        draft = self.drafts.get(user)
        return laid(draft.against, draft.changes) if draft else self.main

    def refuse_clashing(self, user: str, state: State) -> None:
        """An edit of main, beside what its person drafted; or a Clash."""
        draft = self.drafts.get(user)
        if draft:
            refuse_clashing(draft.against, self.main, state, draft.changes)

    def save(self, user: str, state: State) -> None:
        """Keep an edited draft; what it sets where it clashed with main is settled."""
        known = self.drafts.get(user) or Draft(self.main, {})
        before = laid(known.against, known.changes)
        touched = [
            where
            for where in self.clashes(user)
            if value_at(before, where) != value_at(state, where)
        ]
        self._saved(user, known, state, touched)

    def clashes(self, user: str) -> list[Any]:
        """Where a person's draft clashes with main: a key, field, name of an item."""
        draft = self.drafts.get(user)
        found = three_way(draft.against, self.main, draft.changes)[1] if draft else []
        return [where for where, _, _ in found]

    def resolve(self, user: str, where: tuple[Any, ...], *, mine: bool) -> None:
        """Settle one clash by one side's word."""
        known = self.drafts[user]
        state = laid(known.against, known.changes)
        if not mine:
            state = settled(state, self.main, state, where)
        self._saved(user, known, state, [where])

    def _saved(self, user: str, known: Draft, state: State, touched: list[Any]) -> None:
        against = known.against
        for where in touched:
            against = settled(against, self.main, state, where)
        changes = changed(against, state)
        if touched or changes != known.changes:
            known.before.append((known.against, known.changes))
            self.drafts[user] = Draft(against, changes, known.before)

    def undo(self, user: str) -> None:
        """Take back a draft's newest edit; the draft goes with its first."""
        draft = self.drafts[user]
        draft.against, draft.changes = draft.before.pop()
        if not draft.before:
            del self.drafts[user]

    # --- targets

    def place_of(self, target: str) -> Place:
        return self.places[target]

    def targets(self, state: State | None = None) -> Iterator[str]:
        """The targets that are published to."""
        state = self.main if state is None else state
        for name in names(state, "target"):
            if state["target", name]["enabled"]:
                yield name

    def condition(self, name: str) -> str:
        place = self.places[name]
        if not self.main["target", name]["enabled"]:
            return "disabled"
        if not (place.mounted and place.has_path and place.serves):
            return "absent"
        served = inputs(self.at(place.serves), name)
        return "live" if served == inputs(self.main, name) else "lagging"

    def behind(self) -> list[str]:
        """The targets that don't serve main and should: exit status 6."""
        found = ("lagging", "absent")
        return [name for name in self.targets() if self.condition(name) in found]

    def bring(self, name: str, now: float) -> None:
        """A place comes straight to main; one that isn't there stays."""
        place = self.places[name]
        there = place.mounted and place.has_path and not undrawable(self.main, name)
        if there and self.condition(name) != "live":
            place.serves = self.tip.number
            if place.kind == "image" and self.lists(self.main, name):
                place.lists = place.serves
            elif place.has_original:
                place.lists = 0
            place.made.append((self.tip.number, now))

    def lists(self, state: State, name: str) -> bool:
        """Whether a state has something for a tree to list."""
        return disk_of(state, _image(state, name))[0] is not None

    def goes_on(self) -> list[str]:
        """The trees that boot what their commit no longer lists."""
        return [
            name
            for name in self.targets()
            if (place := self.places[name]).lists
            and self.condition(name) in ("live", "lagging")
            and not self.lists(self.at(place.serves), name)
        ]

    # --- committing

    def commit(
        self,
        state: State,
        now: float,
        op: str,
        author: str,
        subject: str,
        *,
        without: Collection[str] = (),
        reaches: Callable[[str], bool] = lambda _: False,
        publishes: bool = True,
    ) -> None:
        """A commit on main; its targets follow. `reaches`: though behind by choice."""
        self._forget_choices()
        before = self.main
        number = self.tip.number + 1
        self.history.append(Revision(number, state, op, author, subject, now))
        for name in names(state, "target"):
            self._follow(name, before, now, without, reaches, publishes=publishes)
        for name in set(names(before, "target")) - set(names(state, "target")):
            image = before["target", name]["image"]
            self.places[name].by_choice = False
            # kp.toml forgets it, but for a tree whose image stays
            self.places[name].has_path = ("image", image) in state
            if image and self.places[name].mounted:  # kp takes its own out of a tree
                self.places[name].serves = self.places[name].lists = 0
        self._forget_choices()

    def _forget_choices(self) -> None:
        """What serves main is not behind, whoever left it out while it was away."""
        for name in self.targets():
            place = self.places[name]
            place.by_choice = place.by_choice and self.condition(name) != "live"

    def _follow(self, name, before, now, without, reaches, *, publishes) -> None:
        place, enabled = self.places[name], self.main["target", name]["enabled"]
        was = before.get(("target", name))
        if not enabled:
            place.by_choice = False
            if reaches(name):
                self.bring(name, now)
        elif not publishes:
            return
        elif name in without:
            place.by_choice = True
        else:
            self._follow_on(place, was, now, along=reaches(name))

    def _follow_on(self, place, was, now, *, along) -> None:
        if was is None and place.has_path:  # what comes is made, where nothing is, too
            place.mounted = True
        comes = was is None or not was["enabled"]
        if comes or along or not place.by_choice:
            self.bring(place.name, now)

    def refuse(
        self,
        state: State,
        store: set[str],
        *,
        force: bool = False,
        without: Collection[str] = (),
    ) -> None:
        """No, where kp must not commit this; `without`: targets that stay behind."""
        refuse_commit(self.main, state, force=force)
        gone = missing_files(state, changed(self.main, state), store)
        if gone:
            raise No(f"files are gone: {gone}")
        for name in set(self.targets(state)) - set(without):
            if not self._must_follow(name):
                continue  # one that lags and can't be drawn lags on
            if state["target", name]["kind"] == "tftp":
                refuse_hypervisor(state)
            if undrawable(state, name):
                raise No(f"{name}: {undrawable(state, name)}")

    def _must_follow(self, name: str) -> bool:
        """Whether a commit is refused that a target can't follow: live, or new."""
        return ("target", name) not in self.main or self.condition(name) == "live"

    # --- going back

    def goes_back(
        self, image: str, to: int | None, store: set[str]
    ) -> tuple[int, State] | None:
        """Where a rollback goes: revision and state; None where nothing is to do."""
        moved = [r for r in self.history if r.number > 1 and self._touches(r, image)]
        if not moved:
            raise No(f"no image {image}")
        if to is not None:
            if ("image", image) not in self.at(to):
                raise No("the image did not exist then")
            if self._gone(image, self.at(to), store):
                raise No("artifacts are gone")
            return to, self.at(to)
        today = default_payload(self.main, image)
        if today and self._is_settled(today, moved[-1]):
            return None
        for revision in reversed(moved):
            then = default_payload(revision.state, image)
            good = then and then != today and self._is_good(then)
            if good and not self._gone(image, revision.state, store):
                return revision.number, revision.state
        raise No("no earlier known-good state")

    def _is_settled(self, today: tuple[str, str], newest: Revision) -> bool:
        """Good as it is, or rolled back already: two people at 3 a.m."""
        back = newest.op == "rollback" and verdict_on(self.main, today) != "bad"
        return back or self._is_good(today)

    def _is_good(self, of: tuple[str, str]) -> bool:
        own = self.main.get(("verdict", of[0]))
        return bool(own) and own["verdict"] == "good"

    def _touches(self, revision: Revision, image: str) -> bool:
        return touched(self.at(revision.number - 1), revision.state, image)

    def _gone(self, image: str, state: State, store: set[str]) -> bool:
        kernels = [doc for key, doc in state.items() if key[:2] == ("kernel", image)]
        return any(
            s not in store for d in kernels for s in (d["vmlinuz"], *d["initrd"])
        )

    def rolled_back(
        self, image: str, earlier: State, said: dict, *, blame: bool | None
    ):
        """The state after a rollback; `said`: who, when, at which revision.

        `blame` None: where no next boot came after the default.
        """
        kept = {key: doc for key, doc in self.main.items() if image_of(key) != image}
        state = kept | {k: doc for k, doc in earlier.items() if image_of(k) == image}
        if not touched(self.main, state, image):
            return state
        was, now = default_payload(self.main, image), default_payload(state, image)
        if blame is None:
            blame = was is None or not self._is_excused(image, was)
        if blame and was and was[0] != (now or ("",))[0]:
            judge(state, was, "bad", image, said)
        for name in names(state, "node"):
            node = state["node", name]
            other, entry = chosen(state, node)
            ends = node["next"] and other == image and not bootable(state, image, entry)
            if ends:
                state["node", name] = node | {"next": None}
        return state

    def _is_excused(self, image: str, was: tuple[str, str]) -> bool:
        """Whether a next boot may be what fails: bad, or newer than the default."""
        older = (r.state for r in reversed(self.history))
        before = next((s for s in older if default_payload(s, image) != was), {})
        for name in names(self.main, "node"):
            node, of = self.main["node", name], node_payload(self.main, name)
            booted = chosen(self.main, node)[0]
            if not node["next"] or image not in (node["image"], booted):
                continue
            if of is None or of[0] == was[0] or self._is_good(of):
                continue
            had = [payload(before, booted, e) for e in names(before, "entry", booted)]
            if verdict_on(self.main, of) == "bad" or of not in had:
                return True
        return False


def _image(state: State, target: str) -> str:
    return str(state["target", target]["image"])


def inputs(state: State, target: str) -> State:
    """All that a target's rendering is made of."""
    document = state["target", target]
    if document["kind"] == "image":
        image = document["image"]
        found = {key: doc for key, doc in state.items() if image_of(key) == image}
    else:
        kinds = ("image", "entry", "kernel", "node", "group")
        found = {key: doc for key, doc in state.items() if key[0] in kinds}
    return found | {("target", target): document}
