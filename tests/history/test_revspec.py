from pathlib import Path

import pytest

from kpstore.errors import InvalidInput, NotFound
from kpstore.history import revspec, walk
from kpstore.history.git.repository import Repository
from kpstore.history.index.database import Index
from kpstore.history.index.feed import bring
from kpstore.history.paths import MAIN
from support.histories import SITE, START, commit, grow, image, make

HOUR = 3600


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Make five revisions an hour apart; r4 was written on a clock gone back."""
    made = make(tmp_path / "state.git")
    tip: str | None = None
    for number in range(1, 6):
        hours = 1.5 if number == 4 else number
        changes = SITE if tip is None else image(f"i{number}")
        time = int(START + hours * HOUR)
        tip = commit(made, tip, changes, revision=number, time=time)
    made.advance(MAIN, None, tip or "", host="head1")
    return made


@pytest.fixture(params=["index", "walk"])
def index(
    request: pytest.FixtureRequest, tmp_path: Path, repository: Repository
) -> Index | None:
    if request.param == "walk":
        return None
    return bring(tmp_path / "index.db", repository, repository.tip(MAIN) or "")


def number(repository: Repository, text: str, index: Index | None) -> int | None:
    tip = repository.tip(MAIN) or ""
    found = revspec.resolve(repository, tip, text, index)
    return walk.revision_of(repository, tip, found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r1", 1),
        ("r5", 5),
        ("HEAD", 5),
        ("HEAD~", 4),
        ("HEAD~0", 5),
        ("HEAD~4", 1),
        ("@{2023-11-15 02:13:20}", 4),  # r3 has that time, r4's clock was behind
        ("@{2023-11-15T03:13:20}", 5),
        ("@{2023-11-15 04:13:20+01:00}", 5),
        ("@{2023-11-14 23:13:20}", 1),
        ("@{2099-01-01}", 5),
    ],
)
def test_what_people_write(
    repository: Repository, index: Index | None, text: str, expected: int
) -> None:
    assert number(repository, text, index) == expected


def test_a_commit_id_may_be_short(repository: Repository, index: Index | None) -> None:
    tip = repository.tip(MAIN) or ""
    for line in walk.chain(repository, tip):
        for length in (8, 40):
            text = line.id[:length]
            assert revspec.resolve(repository, tip, text, index) == line.id


def test_a_short_id_of_two_commits_is_refused(tmp_path: Path) -> None:
    repository = make(tmp_path / "many.git")
    steps = [SITE, *({} for _ in range(700))]
    commits = grow(repository, *steps)
    seen: dict[str, str] = {}
    twice = next(
        c[:4] for c in commits if seen.setdefault(c[:4], c) != c
    )  # 700 of 65,536: two agree with 97 %, and these ids are always the same
    index = bring(tmp_path / "index.db", repository, commits[-1])
    for given in (index, None):
        with pytest.raises(InvalidInput, match=f"{twice} is short for"):
            revspec.resolve(repository, commits[-1], twice, given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r6", "there is no r6"),
        ("HEAD~5", "5 revisions only"),
        ("@{2001-01-01}", "no revision yet"),
        ("abcdef0123", "no commit abcdef0123"),
        ("f" * 40, "no commit"),
    ],
)
def test_what_main_does_not_have(
    repository: Repository, index: Index | None, text: str, message: str
) -> None:
    with pytest.raises(NotFound, match=message):
        number(repository, text, index)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "r0",
        "r",
        "abc",
        "main",
        "HEAD~x",
        "HEAD^",
        "@{}",
        "@{yesterday}",
        "r1\n",
        "@{2026-13-01}",
        "R1",
        "HEAD~99999999999",
        "@{9999999-01-01}",
    ],
)
def test_what_is_no_revision(repository: Repository, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        number(repository, text, None)
    assert caught.value.hint


def test_an_index_that_stands_elsewhere_is_not_asked(
    tmp_path: Path, repository: Repository
) -> None:
    tip = repository.tip(MAIN) or ""
    index = bring(tmp_path / "index.db", repository, tip)
    newer = commit(repository, tip, image("new"), revision=6)
    assert revspec.resolve(repository, newer, "r6", index) == newer
