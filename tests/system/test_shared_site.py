"""A shared site with real accounts: two members of a group, and one who is in none.

Each kp is a process of that account, under a umask of its own. Needs root, setpriv,
useradd and groupadd; the accounts are there for this module alone.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from kpstore.formats import samples
from kpstore.targets.tftp.format.layout import own_file, shard_of
from support.groups import kinds

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

GROUP = f"kpt{os.getpid()}"
ANN, BOB, CAROL = (f"{GROUP}{letter}" for letter in "abc")
UMASKS = {ANN: 0o077, BOB: 0o027, CAROL: 0o022, "root": 0o077}
FOLDER, FILE, CONSTANT = "drwxrwsr-x", "-rw-rw-r--", "-r--r--r--"
PARTS = ("setpriv", "useradd", "groupadd", "userdel", "groupdel", "git")
# kp as it is, but for a seam at which its process is killed: a call of Linux's done.
KILLED = """
    import os, signal, sys
    from {module} import {owner}
    done = {owner}.{name} if {owner} is os else lambda *_, **__: None
    def killed(*given, **named):
        done(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    from kpcmd.app import main
    {owner}.{name} = killed
    sys.exit(main())
"""


@dataclass(frozen=True)
class Place:
    """A folder that all can reach, with a site and a TFTP root in it."""

    where: Path

    @property
    def site(self) -> Path:
        return self.where / "site"

    @property
    def tftp(self) -> Path:
        return self.where / "tftp"

    def start(
        self, user: str, *argv: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as an account does that has just logged in."""
        become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.where),
            "KP_SITE": str(self.site),
            "KP_USER": user,
            **more,
        }
        return subprocess.run(
            [*(become if user != "root" else ()), *argv],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.where,
            env=environ,
            umask=UMASKS[user],
        )

    def kp(self, user: str, *argv: str, status: int = 0) -> str:
        """Run a kp that ends so; return what it said."""
        found = self.start(user, sys.executable, "-m", "kpcmd", *argv)
        assert found.returncode == status, f"{user}: kp {argv}\n{found}"
        return found.stdout + found.stderr

    def killed(self, user: str, seam: str, *argv: str) -> None:
        """Run a kp that is killed when it comes to a seam: module:owner:name."""
        module, owner, name = seam.split(":")
        script = dedent(KILLED).format(module=module, owner=owner, name=name)
        found = self.start(user, sys.executable, "-c", script, *argv)
        assert found.returncode == -signal.SIGKILL, found

    def modes(self) -> dict[str, tuple[str, int]]:
        """Return modes and groups of all that is there, but for reserves."""
        found = {f"site/{path}": of for path, of in kinds(self.site).items()}
        found |= {f"tftp/{path}": of for path, of in kinds(self.tftp).items()}
        return {path: of for path, of in found.items() if "reserve" not in path}


@pytest.fixture(scope="module", autouse=True)
def accounts() -> Iterator[None]:
    missing = [part for part in PARTS if not shutil.which(part)]
    if missing or os.geteuid() != 0:
        pytest.fail(f"needs root and {', '.join(missing) or 'nothing else'}")
    run = subprocess.run
    try:
        run(["groupadd", GROUP], check=True)
        for user in (ANN, BOB):
            run(["useradd", "-M", "-U", "-G", GROUP, user], check=True)
        run(["useradd", "-M", "-U", CAROL], check=True)
        yield
    finally:
        for user in (ANN, BOB, CAROL):
            run(["userdel", user], check=False, capture_output=True)
        run(["groupdel", GROUP], check=False, capture_output=True)


@pytest.fixture
def place() -> Iterator[Place]:
    """Make what an administrator makes: as docs/operations.md has it."""
    with tempfile.TemporaryDirectory(prefix="kp-shared-") as folder:
        made = Place(Path(folder))
        made.where.chmod(0o755)
        made.kp("root", "init", "--shared", GROUP)
        made.tftp.mkdir()
        shutil.chown(made.tftp, group=GROUP)
        made.tftp.chmod(0o2775)
        for release in ("6.1", "6.2"):
            kernel = made.where / f"vmlinuz-{release}"
            kernel.write_bytes(samples.bzimage(release))
            kernel.chmod(0o644)
        yield made


def first_day(place: Place) -> None:
    """Let ann set up an image, a target, nodes of one shard with files of their own."""
    tftp = ("--kind", "tftp", "--root", str(place.tftp), "--loader", "pxelinux")
    place.kp(ANN, "image", "add", "web", "--arch", "x86_64", "-m", "an image")
    kernel = ("kernel", "add", "web", "--files", "vmlinuz-6.1", "--name", "one")
    place.kp(ANN, *kernel, "-m", "a kernel")
    entry = ("entry", "add", "web", "production", "--kernel", "one", "--default")
    place.kp(ANN, *entry, "--add-param", "id={node.index}", "-m", "an entry")
    for number, mac in enumerate(twins()):
        node = ("node", "add", f"n{number}", "--mac", mac, "--image", "web")
        place.kp(ANN, *node, "--index", str(number), "-m", "a node")
    place.kp(ANN, "target", "add", "net", *tftp, "-m", "a target")
    place.kp(ANN, "good", "web", "-m", "it runs")


def twins() -> tuple[str, str]:
    """Return two MACs of one shard."""
    first = "02:00:00:00:00:00"
    others = (f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}" for n in range(1, 1 << 16))
    return first, next(mac for mac in others if shard_of(mac) == shard_of(first))


def own_files(place: Place, number: int) -> list[Path]:
    """Return what pxelinux reads of a node, in each shard that is kept."""
    name = own_file(twins()[number], "pxelinux")
    return sorted(
        (place.tftp / "kp/shards").glob(f"*/{name}"), key=lambda f: f.stat().st_ctime_ns
    )


def check_modes(place: Place) -> None:
    """Hold all that is there against what a group's is."""
    found, group = place.modes(), place.tftp.stat().st_gid
    assert {path for path, (_, of) in found.items() if of != group} == set()
    texts = {text for path, (text, _) in found.items() if not path.endswith("/update")}
    assert texts == {FOLDER, FILE, CONSTANT}


def test_two_commit_in_turn_and_each_sweeps_what_the_other_made(place: Place) -> None:
    first_day(place)
    place.kp(BOB, "entry", "set", "web", "production", "--add-param", "bob", "-m", "b")
    place.kp(ANN, "entry", "set", "web", "production", "--add-param", "ann", "-m", "a")
    place.kp(BOB, "verify")
    place.kp(BOB, "rollback", "web")
    place.kp(ANN, "site", "set", "--retention", "generations=1", "-m", "less")
    place.kp(ANN, "site", "set", "--retention", "grace=0", "-m", "less")
    generations = set((place.tftp / "kp/generations").iterdir())
    place.kp(BOB, "gc")
    assert set((place.tftp / "kp/generations").iterdir()) < generations
    place.kp(ANN, "verify")
    place.kp(BOB, "doctor")
    owners = {path.owner() for path in place.site.rglob("*")}
    assert owners == {"root", ANN, BOB}
    check_modes(place)


def test_a_kernel_that_another_added_is_added_again(place: Place) -> None:
    """Who doesn't own a file can't make it young: it is written anew."""
    first_day(place)
    again = ("kernel", "add", "web", "--files", "vmlinuz-6.1", "--name", "again")
    place.kp(BOB, *again, "-m", "the same bytes")
    [artifact] = (place.site / "state.git/lfs/objects").glob("*/*/*")
    assert artifact.owner() == BOB
    check_modes(place)


def test_files_of_a_shard_are_linked_where_that_may_be_else_copied(
    place: Place,
) -> None:
    """fs.protected_hardlinks: nobody links another's file that they can't write."""
    first_day(place)
    place.kp(BOB, "node", "set", "n0", "--index", "10", "-m", "another file")
    *_, before, after = own_files(place, 1)
    assert before.samefile(after)  # ann's, which bob may write
    assert own_files(place, 0)[-1].owner() == BOB
    after.chmod(0o644)
    place.kp(BOB, "verify")  # nobody fights over that
    place.kp(BOB, "node", "set", "n0", "--index", "11", "-m", "another file")
    *_, before, after = own_files(place, 1)
    assert not before.samefile(after)
    assert (before.owner(), after.owner()) == (ANN, BOB)
    assert before.read_bytes() == after.read_bytes()
    place.kp(ANN, "verify")


SEAMS = (
    "kpstore.targets.tftp.switch:StagedGeneration:switch",
    "kpstore.disk.batch:Batch:commit",
    "kpstore.disk.batch:Batch:prepare",
    "kpstore.disk.batch:NewDirectory:_changed",
    "kpstore.disk.batch:os:mkdir",  # before its folder lets the group in
    "kpstore.disk.batch:os:rename",
    "kpstore.disk.streams:StagedFile:keep",
    "kpstore.history.index.database:Index:feed",
)


@pytest.mark.parametrize("seam", SEAMS)
def test_what_one_was_killed_at_the_other_finishes(place: Place, seam: str) -> None:
    first_day(place)
    second = ("kernel", "add", "web", "--files", "vmlinuz-6.2", "--name", "two")
    change = ("entry", "set", "web", "production", "--add-param", "ann")
    place.killed(ANN, seam, *(second if "StagedFile" in seam else change), "-m", "k")
    place.kp(BOB, "publish")
    place.kp(BOB, "entry", "set", "web", "production", "--add-param", "bob", "-m", "b")
    place.kp(BOB, "verify")
    place.kp(BOB, "gc")
    place.kp(ANN, "entry", "set", "web", "production", "--add-param", "c", "-m", "c")
    left = list(place.where.rglob(".kp-tmp-*"))
    assert left == []
    check_modes(place)


def test_who_is_in_no_group_reads_and_is_told_who_writes(place: Place) -> None:
    first_day(place)
    was = place.modes()
    assert "production" in place.kp(CAROL, "status")
    assert "an entry" in place.kp(CAROL, "log")
    assert "id=0" in place.kp(CAROL, "why", "n0")
    place.kp(CAROL, "verify")
    assert "BAD" not in place.kp(CAROL, "doctor")
    writes = (
        ("entry", "set", "web", "production", "--add-param", "x", "-m", "x"),
        ("entry", "set", "web", "production", "--add-param", "x"),
        ("kernel", "add", "web", "--files", "vmlinuz-6.2", "--name", "x", "-m", "x"),
        ("rollback", "web"),
        ("publish",),
        ("gc",),
    )
    for argv in writes:
        said = place.kp(CAROL, *argv, status=1)
        assert f"only members of group {GROUP} change {place.site}\n" in said, argv
        assert f"usermod -aG {GROUP} {CAROL}, then log in again" in said, argv
    assert place.modes() == was
    place.kp(BOB, "gc")


def test_root_works_beside_them(place: Place) -> None:
    first_day(place)
    place.kp("root", "entry", "set", "web", "production", "--add-param", "r", "-m", "r")
    place.kp(BOB, "entry", "set", "web", "production", "--add-param", "b", "-m", "b")
    place.kp("root", "publish")
    place.kp(BOB, "verify")
    check_modes(place)


def test_lost_modes_are_given_back_by_their_owner_or_by_root(place: Place) -> None:
    first_day(place)
    was = place.modes()
    (place.tftp / "kp").chmod(0o755)  # ann's
    (place.site / "cache").chmod(0o755)  # root's
    place.kp(BOB, "verify")
    place.kp(BOB, "publish")
    assert "as root: kp --site" in place.kp(BOB, "doctor", status=4)
    said = place.kp(ANN, "doctor", status=4)
    assert f"{place.tftp}/kp: mode 0755, not 2775: given back to the group" in said
    assert f"{place.site}/cache: mode 0755, not 2775\n" in said
    place.site.chmod(0o755)
    edit = ("entry", "set", "web", "production", "--add-param", "b", "-m", "b")
    said = place.kp(BOB, *edit, status=1)
    assert f"{place.site} doesn't let its group {GROUP} write any more" in said
    assert f"as root: kp --site {place.site} doctor" in said
    place.kp("root", "doctor")
    assert place.modes() == was
    place.kp(BOB, "doctor")


def test_a_member_who_left_is_named_with_the_way_out(place: Place) -> None:
    first_day(place)
    git = place.site / "state.git"
    shutil.chown(git, CAROL)  # who made it, and was in the group then
    said = place.kp(BOB, "status", status=1)
    assert "who is not in group" in said
    assert f"as root: chown -R 0 {git}" in said
    subprocess.run(["chown", "-R", "0", str(git)], check=True)
    place.kp(BOB, "entry", "set", "web", "production", "--add-param", "b", "-m", "b")


def test_what_git_writes_is_the_groups_too(place: Place) -> None:
    """A push: objects, the ref of a draft, and its record."""
    first_day(place)
    safe = f"[safe]\n\tdirectory = {place.site}/state.git\n"
    (place.where / ".gitconfig").write_text(safe)
    (place.where / ".gitconfig").chmod(0o644)
    home = place.where / "ann"
    home.mkdir()
    shutil.chown(home, ANN)

    def git(*argv: str) -> None:
        found = place.start(ANN, "git", *argv, GIT_LFS_SKIP_SMUDGE="1")
        assert found.returncode == 0, found

    git("clone", "-q", str(place.site / "state.git"), str(home / "clone"))
    image = home / "clone/images/web/image.json"
    text = image.read_text().replace('"params": []', '"params": [\n    "pushed"\n  ]')
    image.write_text(text)
    there = (
        "-C",
        str(home / "clone"),
        "-c",
        f"user.name={ANN}",
        "-c",
        "user.email=a@b",
    )
    git(*there, "commit", "-qam", "pushed")
    git(*there, "push", "-q", "--no-verify", "origin", f"HEAD:refs/kp/drafts/{ANN}")
    check_modes(place)
    assert "draft" in place.kp(BOB, "status")
    place.kp(BOB, "entry", "set", "web", "production", "--add-param", "b", "-m", "b")
    place.kp(ANN, "commit", "-m", "what was pushed")
    place.kp(BOB, "verify")
    check_modes(place)
