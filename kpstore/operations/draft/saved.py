"""Drafts that a user keeps by a name: saved, loaded, listed, removed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kpstore.errors import CorruptState, KpError, Refused, disk_failures
from kpstore.history import drafts, owners
from kpstore.history.draft_chain import chain, command_of
from kpstore.history.git.objects import CommitInfo
from kpstore.history.snapshot import Snapshot
from kpstore.history.times import utc
from kpstore.model.names import check_name, missing
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.session import Session
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class DraftEdit:
    """One edit of a draft: when (ISO 8601, UTC), and the command's words."""

    commit: str
    time: str
    command: Sequence[str]

    @classmethod
    def of(cls, commit: CommitInfo) -> "DraftEdit":
        """Return what a draft's commit says."""
        return cls(commit.id, utc(commit.time), command_of(commit))


@dataclass(frozen=True)
class DraftShown:
    """A draft: the commit of main below it, its edits, newest first, and its states.

    `name` is "" for the one in use. `problem` says why it is not read, and what to do.
    """

    user: str
    name: str
    base: str = ""
    edits: Sequence[DraftEdit] = ()
    before: State | None = None
    after: State | None = None
    problem: str = ""


def listed(site: OpenSite) -> Iterator[DraftShown]:
    """Yield all drafts, whoever's they are; of one that can't be read, why."""
    for user, name in owners.every(site.repository):
        try:
            yield shown(site, user, name)
        except KpError as error:
            problem = f"{error.message}; {error.hint}"
            yield DraftShown(user, name, problem=problem)


def shown(site: OpenSite, user: str, name: str = "") -> DraftShown:
    """Return a draft with its edits; NotFound where there is none.

    See `drafts.load` for what else it raises.
    """
    draft = drafts.load(site.repository, user, site.tip(), name)
    if draft is None and name:
        raise missing("saved draft", name, owners.saved(site.repository, user))
    if draft is None:
        raise missing("draft of", user, owners.users(site.repository))
    commits = chain(site.repository, draft.commit, site.on_main).commits
    base = Snapshot(site.repository, draft.against)
    edits = [DraftEdit.of(commit) for commit in commits]
    after = State(base, draft.changes)
    return DraftShown(user, name, draft.base, edits, State(base), after)


@disk_failures("saving a draft")
def save(site: OpenSite, caller: Caller, name: str, *, replace: bool = False) -> None:
    """Save the caller's draft by a name; it stays in use.

    What was saved by that name before gives way where the draft went on from it, else
    Refused unless `replace`.
    """
    check_name(name, "draft")
    repository, ref = site.repository, owners.saved_ref(caller.user, name)
    with Session(site, caller).locked():
        draft = CallersDraft(site, caller).read()
        if draft is None or not draft.changes:
            raise Refused("your draft is empty", hint="kp draft list shows all")
        commits = chain(repository, draft.commit, site.on_main).commits
        try:
            known = repository.peek(ref)
        except CorruptState:
            if not replace:
                raise
            repository.clear(ref, host=caller.host)
            known = None
        if known not in {None, *(commit.id for commit in commits)} and not replace:
            raise Refused(
                f"another draft of yours is saved as {name}",
                hint=f"choose another name, or kp draft save {name} --replace",
            )
        how = f"saved as {name} {caller.now} on {caller.host}"
        owners.record(repository, caller.user, draft.commit, how)
        repository.advance(ref, known, draft.commit, host=caller.host)


@disk_failures("loading a draft")
def load(site: OpenSite, caller: Caller, name: str, *, replace: bool = False) -> None:
    """Make a saved draft the caller's one in use; it stays saved.

    Refused where that would lose edits that are saved nowhere, unless `replace`.
    """
    repository, user = site.repository, caller.user
    with Session(site, caller).locked():
        saved = drafts.load(repository, user, site.tip(), name)
        if saved is None:
            raise missing("saved draft", name, owners.saved(repository, user))
        if replace:
            owners.record(repository, user, saved.commit, f"loaded {caller.now}")
            drafts.discard(repository, user, host=caller.host)
            known = None
        else:
            draft = CallersDraft(site, caller).read()
            if draft and draft.changes and not _is_saved(site, draft):
                raise Refused(
                    "your draft has edits that are saved nowhere",
                    hint=f"kp draft save NAME first, or kp draft load {name} --replace",
                )
            known = draft.commit if draft else None
            owners.record(repository, user, saved.commit, f"loaded {caller.now}")
        repository.advance(owners.ref_of(user), known, saved.commit, host=caller.host)


def _is_saved(site: OpenSite, draft: drafts.Draft) -> bool:
    """Tell whether a saved draft is this one, or went on from it."""
    repository, user = site.repository, draft.user
    for name in owners.saved(repository, user):
        tip = owners.tip_of(repository, user, name)
        found = chain(repository, tip, site.on_main).commits if tip else ()
        if draft.commit in {commit.id for commit in found}:
            return True
    return False


def remove(site: OpenSite, caller: Caller, name: str) -> None:
    """Remove a saved draft, whatever it holds; NotFound where there is none."""
    repository, user = site.repository, caller.user
    with Session(site, caller).locked():
        known = owners.saved(repository, user)
        if name not in known:
            raise missing("saved draft", name, known)
        repository.clear(owners.saved_ref(user, name), host=caller.host)
