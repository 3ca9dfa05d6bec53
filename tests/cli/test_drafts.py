"""A draft that is not its user's, or can't be read: who is told, who goes on.

Every kind of damage x every kind of verb x the draft's user and another.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kpstore.history.git.create import RECORDS
from kpstore.history.git.hook import HOOK
from support import tftpd
from support.cli import Cluster, Result, copy, run, template
from support.histories import git

REF = "refs/kp/drafts/ann"
EDIT = ("entry", "set", "web", "production", "--add-param")


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def repository(made: Cluster) -> Path:
    return made.site / "state.git"


# --- what may come to a draft


def _object(made: Cluster, rev: str) -> Path:
    oid = git(repository(made), "rev-parse", rev).strip()
    return repository(made) / "objects" / oid[:2] / oid[2:]


def _says(text: str) -> Callable[[Cluster], None]:
    return lambda made: (repository(made) / REF).write_text(text) and None


def _gone(rev: str) -> Callable[[Cluster], None]:
    return lambda made: _object(made, rev).unlink()


def _cut(made: Cluster) -> None:
    file = _object(made, REF)
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data[: len(data) // 2])


def _in_its_place(put: Callable[[Path], object]) -> Callable[[Cluster], None]:
    def harm(made: Cluster) -> None:
        file = repository(made) / REF
        file.unlink()
        put(file)

    return harm


def _blob(made: Cluster) -> None:
    git(repository(made), "update-ref", "refs/x", "main:site.json")
    os.replace(repository(made) / "refs/x", repository(made) / REF)


def _packed(made: Cluster) -> None:
    file = _object(made, REF)
    git(repository(made), "pack-refs", "--all")
    assert not (repository(made) / REF).exists()
    file.unlink()


def _records(made: Cluster) -> Path:
    return repository(made) / RECORDS


def _unrecorded(made: Cluster) -> None:
    for file in _records(made).glob("ann@*"):
        file.unlink()


def _no_folder(made: Cluster) -> None:
    shutil.rmtree(_records(made))
    _records(made).write_text("")


def push(made: Cluster, path: str, text: str, pusher: str, *, root: str = "") -> None:
    """Commit one file with git, and push it onto ann's draft."""
    work = made.where / "work"
    git(made.where, "clone", "-q", str(repository(made)), "work")
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    (work / path).write_text(text)
    git(work, "add", "-A")
    if root:
        git(work, "checkout", "-q", "--orphan", root)
    git(work, "commit", "-q", "-m", "draft of ann", "--author", "ann <ann@head>")
    ref = f"+HEAD:{REF}"
    git(work, "push", "-q", "origin", ref, KP_PUSHER=pusher)


def _by_bob(path: str, text: str) -> Callable[[Cluster], None]:
    """Push as bob, where no hook is there to refuse it."""

    def harm(made: Cluster) -> None:
        (repository(made) / HOOK).unlink()
        push(made, path, text, "bob")

    return harm


GROUP = '{"nodes": "", "params": ["bobs"], "priority": 7}\n'
DAMAGES: dict[str, Callable[[Cluster], None]] = {
    "an empty ref": _says(""),
    "garbage for a ref": _says("\x1b[2Jboo\n"),
    "a symbolic ref": _says("ref: refs/heads/main\n"),
    "a ref of nothing": _says("a" * 40 + "\n"),
    "a ref of a file": _blob,
    "a folder": _in_its_place(Path.mkdir),
    "a full folder": _in_its_place(lambda file: (file / "x/y").mkdir(parents=True)),
    "a FIFO": _in_its_place(os.mkfifo),
    "a link to main": _in_its_place(lambda file: file.symlink_to("../../heads/main")),
    "a link in a circle": _in_its_place(lambda file: file.symlink_to("ann")),
    "no commit": _gone(REF),
    "half a commit": _cut,
    "no tree": _gone(f"{REF}^{{tree}}"),
    "no folder of it": _gone(f"{REF}:images/web/entries"),
    "no file": _gone(f"{REF}:images/web/entries/production.json"),
    "packed, no commit": _packed,
    "no record": _unrecorded,
    "no folder of records": _no_folder,
    "bob's edit": _by_bob("groups/bobs.json", GROUP),
    "bob's rubbish": _by_bob("notes.txt", "x"),
    "her own rubbish": lambda made: push(made, "notes.txt", "x", "ann"),
    "her own bad edit": lambda made: push(made, "groups/g.json", "boo", "ann"),
    "another history": lambda made: push(made, "a", "x", "ann", root="new"),
}
UNSEEN = {"no file", "her own bad edit"}  # a status reads no document of a draft

LOOKING = [
    "status",
    "node list",
    "node list n01",
    "node show n01",
    "image list",
    "image show web",
    "entry list web",
    "entry show web production",
    "kernel list web",
    "group list",
    "target list",
    "diff",
    "diff --rendered",
    "plan",
    "log",
    "why n01",
    "verdict list",
    "verify",
    "gc --dry-run",
    "rollback web --to r3 -n",
]
OF_THE_DRAFT = {"node list", "image show", "entry list", "diff", "plan"}


def _main(made: Cluster) -> str:
    return git(repository(made), "rev-parse", "main")


def harmed(made: Cluster, damage: str) -> None:
    made.kp(*EDIT, "drafted")
    DAMAGES[damage](made)


def examined(made: Cluster, *, user: str = "ann") -> Result:
    with tftpd.serving(tftpd.of(made.tftp)) as address:
        return run(made.site, "doctor", "--tftp", address, user=user)


def printable(done: Result) -> None:
    assert (done.out + done.err).replace("\n", "").isprintable(), done


@pytest.mark.parametrize("damage", DAMAGES)
def test_who_looks_goes_on(made: Cluster, damage: str):
    plain = {verb: made.kp(*verb.split()).out for verb in LOOKING}
    harmed(made, damage)
    for verb in LOOKING:
        words = verb.split()
        own = made.kp(*words)
        printable(own)
        other = made.kp(*words, user="bob")
        assert "your draft" not in other.err
        if words[0] != "status":
            assert own.out == plain[verb] == other.out, verb
        if " ".join(words[:2]) in OF_THE_DRAFT:
            assert own.err.count("your draft is not read: ") == 1, own
            assert "kp discard" in own.err
    status = made.json("status")
    (line,) = status["drafts"]
    assert line["user"] == "ann"
    if damage not in UNSEEN:
        assert status["draft"] is None
        assert "ann drops it by kp discard" in line["problem"]
        assert "draft: ann has one that is not read: " in made.kp("status").out


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_is_never_committed_and_stops_nobody_s_commit(made: Cluster, damage: str):
    harmed(made, damage)
    main, served = _main(made), made.served()
    for verb in ("commit -m x", "commit -n", "commit", f"{' '.join(EDIT)} a=1"):
        for more in ("", " -n" if "set" in verb else " --json"):
            refused = run(made.site, *(verb + more).split())
            assert refused.status == 1, refused
            assert "kp discard" in refused.out + refused.err
            printable(refused)
    assert (_main(made), made.served()) == (main, served)
    done = made.kp(*EDIT, "direct", "-m", "at once")
    assert "your draft is not read: " in done.err
    made.kp(*EDIT, "dry", "-m", "at once", "-n")
    made.kp("next", "n01", "--entry", "production", "-m", "x")
    made.kp("good", "web", "-m", "x")
    made.kp(*EDIT, "bobs", "-m", "bob's own", user="bob")
    if damage != "no folder of records":
        made.kp(*EDIT, "bobs-draft", user="bob")
        made.kp("commit", "-m", "bob's draft", user="bob")
    made.kp("publish")
    entry = made.json("entry", "show", "web", "production")
    assert "drafted" not in str(entry)
    assert "bobs" not in str(made.json("group", "list"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_can_be_discarded(made: Cluster, damage: str):
    harmed(made, damage)
    assert made.json("discard") == {"discarded": True}
    assert made.json("discard") == {"discarded": False}
    if damage == "no folder of records":
        _records(made).unlink()
    assert made.json("status")["drafts"] == []
    made.kp(*EDIT, "anew")
    made.kp("commit", "-m", "anew")
    assert "anew" in str(made.json("entry", "show", "web", "production"))


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_doctor_and_the_sweep_go_on(made: Cluster, damage: str):
    harmed(made, damage)
    for user in ("ann", "bob"):
        found = examined(made, user=user)
        printable(found)
        assert "drafts: " in found.out
        assert "kp discard" in found.out
        assert "history: " in found.out
        assert "target boot1: live" in found.out
        made.kp("gc", user=user)


def test_what_the_doctor_renews(made: Cluster):
    hook = repository(made) / HOOK
    hook.unlink()
    found = examined(made)
    assert found.status == 4
    assert "BAD   hook: hooks/update was gone" in found.out
    assert "ok    hook: " in examined(made).out
    hook.write_text("#!/bin/sh\nexit 0 # mine\n")
    assert "BAD   hook: hooks/update was changed" in examined(made).out
    (kept,) = made.site.glob("found/*/state.git/hooks/update")
    assert "mine" in kept.read_text()
    shutil.rmtree(_records(made))
    assert "BAD   hook: kp/drafts" in examined(made).out
    found = examined(made)
    assert found.status == 0
    assert "ok    hook: " in found.out


def test_the_next_writer_renews_the_hook(made: Cluster):
    (repository(made) / HOOK).unlink()
    assert "update hook was gone" in made.kp("publish").err
    assert "update hook" not in made.kp("publish").err
    (repository(made) / HOOK).unlink()
    (repository(made) / HOOK / "mine").mkdir(parents=True)
    done = made.kp(*EDIT, "direct", "-m", "a hook stops nobody")
    assert "pushes are not guarded" in done.err


def test_an_old_site_keeps_its_drafts_and_gets_the_hook(made: Cluster):
    made.kp(*EDIT, "drafted")
    made.kp(*EDIT, "drafted-by-bob", user="bob")
    shutil.rmtree(repository(made) / "kp")
    assert made.json("status")["draft"]["edits"] == 1
    made.kp("publish", user="carol")
    assert {file.name.partition("@")[0] for file in _records(made).iterdir()} == {
        "ann",
        "bob",
    }
    made.kp("commit", "-m", "saved by the older kp")
    assert "drafted" in str(made.json("entry", "show", "web", "production"))


def test_a_push_of_one_s_own_is_committed(made: Cluster):
    push(made, "groups/hers.json", GROUP, "ann")
    assert made.json("status")["draft"]["edits"] == 1
    assert made.kp("diff").err == ""
    made.kp("commit", "-m", "pushed")
    assert "hers" in str(made.json("group", "list"))


def test_a_cut_packed_refs_stops_nobody_who_looks(made: Cluster):
    """The recipes for it are the doctor's."""
    made.kp(*EDIT, "drafted")
    main = made.main()
    git(repository(made), "pack-refs", "--all")
    packed = repository(made) / "packed-refs"
    packed.write_bytes(packed.read_bytes()[:-1])
    (repository(made) / "refs/heads/main").write_text(f"{main}\n")
    for verb in LOOKING:
        made.kp(*verb.split())
    assert "packed-refs is cut short" in made.kp("status").out


@pytest.mark.parametrize("name", ["%1B%5B2J", "A", "%FF", "a/b", "\udcff", "x" * 201])
def test_a_ref_that_is_nobody_s_is_named_by_the_doctor_alone(made: Cluster, name: str):
    ref = repository(made) / "refs/kp/drafts" / name
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(f"{made.main()}\n")
    for verb in LOOKING:
        printable(made.kp(*verb.split()))
    found = examined(made)
    printable(found)
    assert "drafts: " in found.out


@pytest.mark.parametrize("user", ["a\nb", "\x1b[2J", "x" * 201, "\udcff"])
def test_a_user_who_can_have_no_draft_can_look(made: Cluster, user: str):
    for verb in LOOKING:
        printable(made.kp(*verb.split(), user=user))
    refused = run(made.site, *EDIT, "x", user=user)
    assert refused.status == 1
    assert "unexpected" not in refused.err
    assert made.json("discard") == {"discarded": False}


def test_a_push_that_the_hook_refuses_tells_where_to(made: Cluster):
    with pytest.raises(AssertionError, match="push to refs/kp/drafts/bob"):
        push(made, "groups/bobs.json", GROUP, "bob")
    found = subprocess.run(
        ["git", "-C", repository(made), "for-each-ref"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.count("\n") == 1
