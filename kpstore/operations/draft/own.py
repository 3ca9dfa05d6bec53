"""The caller's draft: edits that are not live, laid over the main of their day."""

from typing import Final, NamedTuple

from kpstore.errors import (
    Conflict,
    CorruptState,
    DiskFailure,
    InvalidInput,
    KpError,
    Refused,
)
from kpstore.history import drafts
from kpstore.history.merge import (
    MergedState,
    field_of,
    merge,
    settled,
    three_way,
)
from kpstore.history.snapshot import Snapshot
from kpstore.model.state import Changes, State
from kpstore.operations.caller import Caller
from kpstore.site.opened import OpenSite

_UNREADABLE: Final = (Refused, InvalidInput, CorruptState, DiskFailure)


class CallersDraft:
    """One user's draft in one site; each call reads it anew."""

    def __init__(self, site: OpenSite, caller: Caller) -> None:
        self._site = site
        self._caller = caller
        self._read: drafts.Draft | None = None

    def read(self) -> drafts.Draft | None:
        """Return the draft; None without one. See `drafts.load` for what it raises."""
        repository = self._site.repository
        self._read = drafts.load(repository, self._caller.user, self._site.tip())
        return self._read

    def open(self) -> tuple[drafts.Draft | None, State]:
        """Return the draft and its state to edit; a new one begins at main."""
        draft = self.read()
        base = Snapshot(
            self._site.repository, draft.against if draft else self._site.tip()
        )
        return draft, State(base, draft.changes if draft else None)

    def edited(
        self, known: drafts.Draft | None, state: State, main: Snapshot
    ) -> "Edited":
        """Return what an edit of `open`'s state makes of the draft.

        Where it sets a field that clashes with main, that is settled by it, and said.
        """
        if known is None:
            return Edited(None, state, {})
        before, found = State(state.base, known.changes), []
        for clash in three_way(state.base, main, known.changes).clashes:
            was, now = before.get(clash.key), state.get(clash.key)
            if field_of(was, clash.field) != field_of(now, clash.field):
                found.append(clash)
                told = clash._replace(draft=field_of(now, clash.field))
                if now is None:
                    told = told._replace(field="", main=main.get(clash.key))
                self._caller.notify(f"settled: {told}")
        return Edited(known, state, settled(state.base, main, state, found))

    def save(self, edited: "Edited") -> None:
        """Write an edited draft; Conflict when its user saved another meanwhile."""
        known = edited.known
        assert isinstance(edited.state.base, Snapshot)
        assert edited.state.base.commit
        drafts.save(
            self._site.repository,
            self._caller.user,
            known.base if known else edited.state.base.commit,
            edited.changes,
            settled=edited.settled,
            expected=known.commit if known else None,
            author=self._caller.person,
            time=int(self._caller.clock()),
            host=self._caller.host,
            argv=self._caller.argv,
        )

    def merged(self, main: Snapshot) -> Changes:
        """Return the draft as changes to main; Conflict names both and the fields."""
        draft = self.read()
        if draft is None:
            return {}
        try:
            base = Snapshot(self._site.repository, draft.against)
            return merge(base, main, draft.changes)
        except Conflict as conflict:
            sides = f"main {(main.commit or '')[:12]}, draft on {draft.base[:12]}"
            raise Conflict(
                f"{sides}:\n{conflict.message}", hint=conflict.hint
            ) from None

    def shown(self, main: Snapshot) -> Changes:
        """Return `merged` for one who only looks: what can't be read is not there.

        It is said. A conflict is one here, too.
        """
        try:
            return self.merged(main)
        except _UNREADABLE as error:
            self._say_unread(error)
            return {}

    def compared(self, main: Snapshot) -> MergedState:
        """Return what of the draft goes onto main, and where they clash; as `shown`."""
        try:
            draft = self.read()
        except _UNREADABLE as error:
            self._say_unread(error)
            draft = None
        if draft is None:
            return MergedState({}, ())
        base = Snapshot(self._site.repository, draft.against)
        return three_way(base, main, draft.changes)

    def view(self, rev: str | None = None) -> State:
        """Return the state of a revision, or main with the draft, if it can be read."""
        if rev is not None:
            return State(Snapshot(self._site.repository, self._site.resolve(rev)))
        main = self._site.main()
        return State(main, self.shown(main))

    def refuse_clashing(self, main: Snapshot, edited: Changes) -> None:
        """Conflict when an edit of main sets a field that the draft sets otherwise.

        Where main and the draft clash already, that is none of the edit's. A draft
        that can't be read is in nobody's way.
        """
        try:
            draft = self.read()
        except _UNREADABLE as error:
            self._say_unread(error)
            return
        if draft is None:
            return
        base = Snapshot(self._site.repository, draft.against)
        both = {key: draft.changes[key] for key in draft.changes.keys() & edited.keys()}
        known = three_way(base, main, both).clashes
        found = three_way(base, State(main, edited), both).clashes
        new = [clash for clash in found if clash not in known]
        if new:
            said = (each.said("by this edit", "in your draft") for each in new)
            raise Conflict(
                "\n".join(sorted(said)),
                hint="leave out -m to set it in your draft, or kp commit or kp discard "
                "that first",
            )

    def drop_read(self) -> None:
        """Remove what was read; Conflict, and nothing lost, if another came since."""
        if self._read is not None:
            drafts.drop(self._site.repository, self._read, host=self._caller.host)

    def drop(self) -> bool:
        """Remove the draft; tell whether there was one."""
        caller = self._caller
        return drafts.discard(self._site.repository, caller.user, host=caller.host)

    def _say_unread(self, error: KpError) -> None:
        hint = f"; {error.hint}" if error.hint else ""
        self._caller.notify(f"your draft is not read: {error.message}{hint}")


class Edited(NamedTuple):
    """A draft after an edit: what it was, its state, what that settled of conflicts."""

    known: drafts.Draft | None
    state: State
    settled: Changes

    @property
    def is_new(self) -> bool:
        """Tell whether there is anything to save."""
        before = self.known.changes if self.known else {}
        return bool(self.settled) or self.changes != before

    @property
    def base(self) -> State:
        """Return what the draft is held against from now on."""
        return State(self.state.base, self.settled)

    @property
    def changes(self) -> Changes:
        """Return what the draft changes of that."""
        base, now = self.base, self.state
        keys = {*now.changes, *self.settled}
        return {key: now.get(key) for key in keys if base.get(key) != now.get(key)}
