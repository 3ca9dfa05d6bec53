"""Whatever happens to a site's own files: clear words, no hang, nothing lost, a way.

Every damage of `support.sitedamage`, each verb; and what the doctor prints is typed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from kpstore.history.index.database import Index
from support import tftpd
from support.cli import Cluster, Result, copy, run, template
from support.rotation import OneIn
from support.sitedamage import ALL, git

READING = (
    *("status", "log", "log --image web", "show", "why n01", "at r2 --image web"),
    *("verify", "verify --quick", "node list", "plan"),
)
EDIT = "entry set web production --add-param a=1"
BACK = "rollback web --to r2"
WRITING = (
    *(f"{EDIT}2 -m x", f"{EDIT}2", BACK, "rollback web", "revert HEAD -m x"),
    *("publish", "gc", "good web -m x", "discard"),
)
DAMAGES = [(group, name) for group, damages in ALL.items() for name in damages]
HANGS = 60  # seconds, of what takes a hundredth of one

# What no verb but the doctor takes notice of. A kp.toml that is gone or moved is no
# damage; what is asked of the rest is in the tests below.
UNNOTICED = ("index", "lock", "folders", "layout")
NOTICED = {
    ("lock", "full_folder"),
    *(
        ("layout", f"{name} missing")
        for name in ("lfs", "lfs/objects", "refs", "objects/pack")
    ),
}


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp()


@lru_cache
def broken(base: Path) -> Cluster:
    """Return a site with something to roll back: a parameter of web's default."""
    made = copy(template(base), base / "kp-broken")
    made.kp(*EDIT.split(), "-m", "it breaks web")
    return made


def damaged(base: Path, where: Path, group: str, name: str) -> Cluster:
    shutil.rmtree(where, ignore_errors=True)
    made = copy(broken(base), where)
    ALL[group][name](made)
    return made


@contextmanager
def watched(words: str) -> Iterator[None]:
    """Fail what hangs, and not the tests after it."""

    def bite(*_: object) -> None:
        raise AssertionError(f"kp {words} hangs")

    before = signal.signal(signal.SIGALRM, bite)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def typed(made: Cluster, words: str) -> Result:
    """Run a verb; whatever it says, it says in kp's words."""
    with watched(words):
        done = run(made.site, *words.split())
    assert done.status in (0, 1, 4, 6), done
    assert "mistake in kp" not in done.err
    assert "Traceback" not in done.err
    if done.status == 1:
        assert re.search(r"^\s*hint: \S", done.err, re.MULTILINE), done
    return done


@lru_cache
def whole(base: Path) -> dict[str, int]:
    """Return what each verb ends with on a whole site."""
    found = {}
    for words in (*READING, *WRITING):
        where = base / "kp-whole"
        shutil.rmtree(where, ignore_errors=True)
        found[words] = run(copy(broken(base), where).site, *words.split()).status
    return found


@pytest.mark.parametrize(("group", "name"), DAMAGES)
def test_who_reads(base: Path, tmp_path: Path, one_in: OneIn, group: str, name: str):
    turn = DAMAGES.index((group, name)) % len(READING)
    made = damaged(base, tmp_path / "cluster", group, name)
    served = made.served()
    for words in (*READING[turn:], *READING[:turn])[one_in(4)]:
        done = typed(made, words)
        if group in UNNOTICED and (group, name) not in NOTICED:
            assert done.status == whole(base)[words], done
    assert made.served() == served


@pytest.mark.parametrize(("group", "name"), DAMAGES)
def test_who_writes(base: Path, tmp_path: Path, one_in: OneIn, group: str, name: str):
    turn = DAMAGES.index((group, name)) % len(WRITING)
    for words in (*WRITING[turn:], *WRITING[:turn])[one_in(4)]:
        made = damaged(base, tmp_path / "cluster", group, name)
        served = made.served()
        done = typed(made, words)
        if group in UNNOTICED and (group, name) not in NOTICED:
            assert done.status == whole(base)[words], done
        if done.status == 1:
            assert made.served() == served, words


@pytest.mark.parametrize("words", [*READING, *WRITING])
def test_a_site_of_a_newer_format_is_refused_by_every_verb(
    base: Path, tmp_path: Path, words: str
):
    made = damaged(base, tmp_path / "cluster", "format", "site.json")
    served = made.served()
    done = typed(made, words)
    assert done.status == (4 if words == "verify" else 1)  # it says what is wrong
    assert made.served() == served
    assert "format 2 is not known" in done.err


@pytest.mark.parametrize("name", ALL["index"])
def test_an_index_is_made_anew_by_who_writes(base: Path, tmp_path: Path, name: str):
    if name.startswith("cache "):
        pytest.skip("a person has put something in the place of the folder")
    for words in ("publish", f"{EDIT}2 -m x"):
        made = damaged(base, tmp_path / "cluster", "index", name)
        said = typed(made, words)
        index = Index.open(made.site / "cache/index.db")
        assert index, said
        assert index.head() == made.main()
        if words == "publish":
            index.check()


def test_a_damaged_index_is_told_of_once(base: Path, tmp_path: Path):
    told = 0
    for name in (f"page {number}" for number in range(1, 15)):
        made = damaged(base, tmp_path / "cluster", "index", name)
        said = [typed(made, words).err for words in READING]
        assert [each for each in said if each.count("is damaged") > 1] == [], name
        told += any("kp publish makes it anew" in each for each in said)
        made.kp("publish")
        assert not any("is damaged" in typed(made, words).err for words in READING)
    assert told > 4


@pytest.mark.parametrize("name", ALL["settings"])
def test_the_way_back_needs_no_settings(base: Path, tmp_path: Path, name: str):
    made = damaged(base, tmp_path / "cluster", "settings", name)
    tip = made.main()
    assert typed(made, BACK).status == (0 if name == "linked" else 6)
    assert made.main() != tip


# --- what the doctor says


def examined(made: Cluster) -> list[dict[str, Any]]:
    with tftpd.serving(tftpd.of(made.tftp)) as address, watched("doctor"):
        done = run(made.site, "doctor", "--tftp", address, "--json")
    assert done.status in (0, 4), done
    return [each for each in done.json if each["level"] == "bad"]


def amiss(made: Cluster) -> list[dict[str, Any]]:
    """Return what is bad of the site itself: targets follow it."""
    found = examined(made)
    return [each for each in found if not each["about"].startswith(("target", "tftp"))]


def ways(mend: str) -> list[str]:
    """Return the commands that a mend holds; none where it is a person's matter."""
    found = []
    for way in mend.split("; or "):
        command = re.sub(r"^(with a [^:]*|back to r\d+, .* whole): ", "", way)
        if re.match(r"(mkdir|rm|mv|printf|git|kp) (?!kernel add)", command):
            found.append(command)
    return found


def type_in(made: Cluster, command: str, copies: Path) -> None:
    """Type a command at a shell, where kp and git are installed."""
    command = command.replace("CLONE", str(copies / "clone.git"))
    command = command.replace("BACKUP", str(copies / "backup.git"))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PATH": path, "KP_SITE": str(made.site)},
        check=True,
        capture_output=True,
    )


# Damages for which a command is printed, and what of it a person decides else.
MENDED = [
    *(("main", name) for name in ALL["main"]),
    *(("objects", name) for name in ALL["objects"]),
    *(("packs", name) for name in ALL["packs"]),
    *(("packed-refs", name) for name in ALL["packed-refs"]),
    *(("layout", name) for name in ALL["layout"] if "refs missing" not in name),
    *(("lock", name) for name in ALL["lock"]),
    *(("artifacts", name) for name in ALL["artifacts"] if name != "linked"),
    *(("index", name) for name in ALL["index"] if not name.startswith("cache ")),
]


@pytest.mark.parametrize(("group", "name"), MENDED)
def test_what_the_doctor_prints_mends_it(
    base: Path, tmp_path: Path, group: str, name: str
):
    made = copy(broken(base), tmp_path / "cluster")
    repository, clone = made.site / "state.git", tmp_path / "clone.git"
    git(made, "clone", "-q", "--mirror", str(repository), str(clone))
    shutil.copytree(repository, tmp_path / "backup.git")
    ALL[group][name](made)
    for _ in range(12):  # as often as it finds something that hid behind the last
        commands = [ways(each["mend"])[:1] for each in amiss(made)]
        if not commands:
            break
        type_in(made, " && ".join(chain.from_iterable(commands[:1])), tmp_path)
    assert amiss(made) == []
    if "ahead" in run(made.site, "status").out:  # a commit was lost: told by name
        made.kp("publish", "boot1", "--force")
    made.kp("publish")
    assert examined(made) == []
    made.kp("status")
    made.kp(*EDIT.replace("a=1", "a=2").split(), "-m", "it goes on")
