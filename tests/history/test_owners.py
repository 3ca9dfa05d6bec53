import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import CorruptState, InvalidInput, Refused
from kpstore.history import drafts, owners
from kpstore.history.git.create import RECORDS
from kpstore.history.git.repository import Repository, id_of, new_commit
from kpstore.history.paths import DRAFTS, MAIN
from kpstore.model.documents import BootConfig
from kpstore.model.keys import Key
from kpstore.model.state import Changes
from support.histories import SITE, START, git, grow, image, make, nodes

HOST = "head1"
EDIT: Changes = {Key("entry", "production", "web"): BootConfig(kernel="k1", ssi=True)}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make(tmp_path / "state.git")
    grow(made, SITE, image())
    return made


def main_of(repository: Repository) -> str:
    tip = repository.tip(MAIN)
    assert tip
    return tip


def save(repository: Repository, user: str = "ann", changes: Changes = EDIT) -> str:
    ref = drafts.ref_of(user)
    return drafts.save(
        repository,
        user,
        main_of(repository),
        changes,
        expected=repository.peek(ref),
        author="Ann <ann@head1>",
        time=START,
        host=HOST,
    )


def before(repository: Repository) -> None:
    """Make it a repository of a kp that kept no records."""
    shutil.rmtree(repository.path / "kp")


def forge(repository: Repository, user: str, of: str) -> str:
    """Push what looks as if kp had saved it; the hook is not there to refuse it."""
    (repository.path / "hooks/update").unlink()
    work = repository.path.parent / "work"
    git(work.parent, "clone", "-q", str(repository.path), "work")
    tree = f"{of}^{{tree}}"
    git(work, "fetch", "-q", "origin", f"{drafts.ref_of(user)}:x")
    ann = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@head1"}
    words = ("commit-tree", "-p", "HEAD", "-m", f"draft of {user}", tree)
    made = git(work, *words, **ann).strip()
    ref = drafts.ref_of(user)
    git(work, "push", "-q", "-f", "origin", f"{made}:{ref}", KP_PUSHER=user)
    return made


# --- names


@given(user=st.text(min_size=1, max_size=20).filter(lambda u: u.isprintable()))
def test_a_user_is_encoded_and_decoded(user: str) -> None:
    ref = owners.ref_of(user)
    name = ref.removeprefix("refs/kp/drafts/")
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-%ABCDEF")
    assert owners.user_of(ref) == user


def test_users_become_refs() -> None:
    assert owners.ref_of("ann-1") == "refs/kp/drafts/ann-1"
    assert owners.ref_of("A.b_c/d~é") == "refs/kp/drafts/%41%2Eb%5Fc%2Fd%7E%C3%A9"
    assert owners.ref_of("..") == "refs/kp/drafts/%2E%2E"


@pytest.mark.parametrize(
    "user", ["", "a\nb", "\x1b[2J", "\udcff", "\u202eann", "x" * 201, "é" * 40]
)
def test_no_name_of_a_user(user: str) -> None:
    with pytest.raises(InvalidInput):
        owners.ref_of(user)


STRAYS = [
    "A",  # kp writes %41
    "%61",  # kp writes a
    "%c3%a9",  # kp writes %C3%A9
    "%",
    "%4",
    "%FF",  # no UTF-8
    "%1B%5B2J",
    "%0A",
    "a/b",
    "é",
    "\udcff",
    "x" * 201,
]


@pytest.mark.parametrize("name", STRAYS)
def test_no_user_s_ref(repository: Repository, name: str) -> None:
    assert owners.user_of(DRAFTS + name) is None
    ref = repository.path / DRAFTS / name
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(f"{main_of(repository)}\n")
    known = [] if "/" not in name else ["a"]  # a folder in a's place
    assert owners.users(repository) == known
    assert owners.strays(repository) == ([] if known else [DRAFTS + name])


# --- records


def test_what_kp_saved_is_its_user_s(repository: Repository) -> None:
    commits = [save(repository), save(repository, changes={})]
    assert owners.tip_of(repository, "ann") == commits[-1]
    assert owners.tip_of(repository, "bob") is None


def test_what_nobody_recorded_is_not(repository: Repository) -> None:
    made = forge(repository, "ann", save(repository))
    with pytest.raises(Refused, match="not recorded who did") as refused:
        owners.tip_of(repository, "ann")
    assert "ann drops it by kp discard" in refused.value.hint
    touch = refused.value.hint.partition("touch ")[2]
    Path(touch).touch()  # as the hint says, by who has looked at it
    assert owners.tip_of(repository, "ann") == made


def test_what_another_wrote_is_his(repository: Repository) -> None:
    bobs = save(repository, "bob")
    repository.advance(drafts.ref_of("ann"), None, bobs, host=HOST)
    with pytest.raises(Refused, match="not written by ann: bob did"):
        owners.tip_of(repository, "ann")
    with pytest.raises(Refused, match="not written by ann: bob did"):
        drafts.load(repository, "ann", main_of(repository))
    assert owners.tip_of(repository, "bob") == bobs
    owners.record(repository, "ann", bobs, "pushed by ann, who took it over")
    assert owners.tip_of(repository, "ann") == bobs


def test_a_draft_whose_writer_was_killed_before_the_ref_moved_stays(
    repository: Repository,
) -> None:
    first = save(repository)
    owners.record(repository, "ann", "a" * 40, "saved, and killed")
    assert owners.tip_of(repository, "ann") == first


def test_old_records_go_and_never_the_tip_s(repository: Repository) -> None:
    first = save(repository)
    for number in range(40):
        owners.record(repository, "ann", f"{number:040x}", "pushed, and never there")
    owners.record(repository, "annie", "b" * 40, "another's")
    owners.sweep(repository, "ann")
    kept = {file.name for file in (repository.path / RECORDS).glob("ann@*")}
    assert f"ann@{first}" in kept
    assert len(kept) <= 17
    assert list((repository.path / RECORDS).glob("annie@*"))
    drafts.discard(repository, "ann", host=HOST)
    assert f"ann@{first}" not in {f.name for f in (repository.path / RECORDS).iterdir()}


def test_no_folder_of_records(repository: Repository) -> None:
    saved = save(repository)
    shutil.rmtree(repository.path / RECORDS)
    (repository.path / RECORDS).write_text("")
    with pytest.raises(Refused):
        owners.tip_of(repository, "ann")
    with pytest.raises(CorruptState, match="no directory"):
        save(repository)
    (repository.path / RECORDS).unlink()
    assert owners.tip_of(repository, "ann") == saved


# --- drafts of before


def test_what_an_older_kp_saved_stays_usable(repository: Repository) -> None:
    saved = save(repository)
    before(repository)
    assert owners.tip_of(repository, "ann") == saved
    owners.begin(repository)
    assert (repository.path / RECORDS / f"ann@{saved}").is_file()
    assert owners.tip_of(repository, "ann") == saved
    again = save(repository, changes={})
    assert owners.tip_of(repository, "ann") == again


def test_the_first_to_save_keeps_what_others_had_saved(repository: Repository) -> None:
    saved = save(repository)
    before(repository)
    save(repository, "bob")
    assert owners.tip_of(repository, "ann") == saved


def test_what_imitates_an_older_kp_is_nobody_s(repository: Repository) -> None:
    """Author and message can be typed; how the server keeps the object can't."""
    forge(repository, "ann", save(repository))
    before(repository)
    for _ in range(2):  # before the records are begun, and after
        with pytest.raises(Refused):
            owners.tip_of(repository, "ann")
        owners.begin(repository)


def test_a_push_of_before_is_shown_with_a_way_to_take_it(
    repository: Repository,
) -> None:
    made = new_commit(
        tree=repository.commit(main_of(repository)).tree,
        parents=[main_of(repository)],
        author="Ann <ann@desk>",
        committer="Ann <ann@desk>",
        time=START,
        message=b"by git\n",
    )
    repository.write([made])
    repository.advance(drafts.ref_of("ann"), None, id_of(made), host=HOST)
    before(repository)
    with pytest.raises(Refused) as refused:
        owners.tip_of(repository, "ann")
    owners.begin(repository)
    Path(refused.value.hint.partition("touch ")[2]).touch()
    assert owners.tip_of(repository, "ann") == id_of(made)


def test_packed_by_git_an_old_draft_has_to_be_taken(repository: Repository) -> None:
    save(repository, changes=dict(nodes(3)))
    before(repository)
    git(repository.path, "gc", "-q", "--prune=now")
    with pytest.raises(Refused, match="not recorded"):
        owners.tip_of(Repository(repository.path), "ann")


def test_packed_by_git_a_draft_stays_its_user_s(repository: Repository) -> None:
    saved = save(repository)
    git(repository.path, "gc", "-q", "--prune=now")
    assert owners.tip_of(Repository(repository.path), "ann") == saved
