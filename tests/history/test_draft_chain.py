"""Each edit is one commit of its draft, however many there are."""

from functools import partial
from pathlib import Path

import pytest

from kpstore.errors import InvalidInput
from kpstore.history import draft_chain, drafts, owners
from kpstore.history.git.repository import Repository, id_of, new_commit
from kpstore.history.walk import on_chain
from kpstore.model.documents import BootConfig
from kpstore.model.keys import Key
from kpstore.model.state import Changes
from support.histories import SITE, START, grow, image, make

ENTRY = Key("entry", "production", "web")
HOST = "head1"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path / "state.git")


@pytest.fixture
def main(repository: Repository) -> str:
    return grow(repository, SITE, image())[-1]


def edited(*params: str) -> Changes:
    return {ENTRY: BootConfig(kernel="k1", params=params)}


def save(repository: Repository, base: str, changes: Changes, number: int = 0) -> str:
    return drafts.save(
        repository,
        "ann",
        base,
        changes,
        expected=repository.peek(drafts.ref_of("ann")),
        author="Ann <ann@head1>",
        time=START,
        host=HOST,
        argv=("kp", "edit", str(number)),
    )


def grown(repository: Repository, base: str, count: int) -> str:
    """A draft of so many commits, written at once."""
    tree, parent, made = repository.commit(base).tree, base, []
    for number in range(count):
        message = draft_chain.message_of("ann", ("kp", "edit", str(number)))
        made.append(
            new_commit(
                tree=tree,
                parents=[parent],
                author="Ann <ann@head1>",
                committer="Ann <ann@head1>",
                time=START,
                message=message,
            )
        )
        parent = id_of(made[-1])
    repository.write(made)
    owners.record(repository, "ann", parent, "made")
    repository.advance(drafts.ref_of("ann"), None, parent, host=HOST)
    return parent


def numbers(repository: Repository, main: str, tip: str) -> list[int]:
    found = draft_chain.chain(repository, tip, partial(on_chain, repository, main))
    assert found.base == main
    return [int(draft_chain.command_of(commit)[-1]) for commit in found.commits]


def test_edits_are_commits_and_undo_goes_back_one_by_one(
    repository: Repository, main: str
) -> None:
    states = [edited("a"), edited("a", "b"), {}, edited("c")]
    for number, changes in enumerate(states):
        tip = save(repository, main, changes, number)
    assert numbers(repository, main, tip) == [3, 2, 1, 0]
    for changes in reversed(states):
        draft = drafts.load(repository, "ann", main)
        assert draft
        assert (draft.base, draft.changes) == (main, changes)
        owners.sweep(repository, "ann")
        drafts.undo(repository, draft, time=START, host=HOST)
    assert drafts.load(repository, "ann", main) is None
    assert drafts.users(repository) == []


def test_more_edits_than_are_looked_through_become_fewer(
    repository: Repository, main: str
) -> None:
    grown(repository, main, draft_chain.COMMITS - 1)
    tip = save(repository, main, edited("a"), 999)
    assert numbers(repository, main, tip) == list(range(999, -1, -1))
    tip = save(repository, main, edited("a", "b"), 1000)
    assert numbers(repository, main, tip) == list(range(1000, 498, -1))
    draft = drafts.load(repository, "ann", main)
    assert draft
    assert draft.changes == edited("a", "b")
    drafts.undo(repository, draft, time=START, host=HOST)
    draft = drafts.load(repository, "ann", main)
    assert draft
    assert draft.changes == edited("a")


def test_a_draft_of_too_many_commits_is_refused(
    repository: Repository, main: str
) -> None:
    grown(repository, main, draft_chain.COMMITS + 1)
    with pytest.raises(InvalidInput, match="does not build on main"):
        drafts.load(repository, "ann", main)


@pytest.mark.parametrize(
    "message",
    [b"", b"\n", b"Kp-Argv: ", b"Kp-Argv: {}", b"x\n\nKp-Argv: [", b"\xff", b"Kp-Argv"],
)
def test_a_message_that_kp_did_not_write_names_no_command(
    repository: Repository, main: str, message: bytes
) -> None:
    made = new_commit(
        tree=repository.commit(main).tree,
        parents=[main],
        author="Eve <eve@desk>",
        committer="Eve <eve@desk>",
        time=START,
        message=message,
    )
    repository.write([made])
    assert draft_chain.command_of(repository.commit(id_of(made))) == []
