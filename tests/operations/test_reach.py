"""Which targets a verb reaches: each verb x each condition of a target.

Two TFTP roots serve one node. `boot1` is live; `boot2` is brought into a condition
while kernel 2 becomes the default, then one verb runs. After every rename that kp
makes, both are looked at as the node would.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kpstore.formats import samples
from kpstore.targets.tftp.switch import StagedGeneration
from support.cli import Result, ok, run

ONE, TWO, QUIET = "6.1.0", "6.2.0", "6.2.0 quiet"
MENU = "pxelinux.cfg/01-02-00-00-00-00-01"


class Pair:
    """The site with its two targets."""

    def __init__(self, where: Path) -> None:
        self.site, self.where = where / "site", where
        self.kernels: dict[str, bytes] = {}
        self.kp("init")
        for name in ("boot1", "boot2"):
            (where / name).mkdir()
            root = ("--root", str(where / name), "--loader", "pxelinux")
            self.kp("target", "add", name, "--kind", "tftp", *root, "-m", "t")
        self.kp("image", "add", "web", "--arch", "x86_64", "-m", "i")
        for release in (ONE, TWO):
            file = where / f"vmlinuz-{release}"
            self.kernels[release] = samples.bzimage(release)
            file.write_bytes(self.kernels[release])
            self.kp("kernel", "add", "web", "--files", str(file), "--name", release)
        self.kp("commit", "-m", "kernels")
        entry = ("--kernel", ONE, "--params", "root=/dev/sda1")
        self.kp("entry", "add", "web", "production", *entry, "-m", "e")
        node = ("--mac", "02:00:00:00:00:01", "--image", "web")
        self.kp("node", "add", "n1", *node, "-m", "n")
        self.kp("good", "web", "-m", "boots")

    def kp(self, *argv: str, expected: int = 0) -> Result:
        return ok(self.site, *argv, expected=expected)

    def second(self, *options: str, expected: int = 0) -> None:
        """Make kernel 2 the default."""
        entry = ("entry", "set", "web", "production", "--kernel", TWO)
        self.kp(*entry, "-m", "two", *options, expected=expected)

    def served(self, target: str) -> str:
        """Return what the node would boot: the kernel's release, and `quiet`."""
        menu = self.where / target / MENU
        try:
            text = menu.read_text("utf-8")
        except FileNotFoundError:
            return "nothing"
        path = re.search(r"LINUX (\S+)", text)
        assert path, text
        data = (self.where / target / path[1].lstrip("/")).read_bytes()
        releases = {bytes_: name for name, bytes_ in self.kernels.items()}
        return releases[data] + (" quiet" if "quiet" in text else "")

    def identity(self, target: str, **fields: str) -> None:
        """Write into the identity file."""
        file = self.where / target / "kp/TARGET"
        file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


# --- conditions of boot2


def live(pair: Pair) -> None:
    pair.second()


def crashed(pair: Pair) -> None:
    """The switch of boot2 fails after the commit point."""
    real = StagedGeneration.switch

    def fail(self: StagedGeneration) -> int:
        if str(self._layout.root).endswith("boot2"):
            raise OSError(5, "Input/output error", "boot2")
        return real(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StagedGeneration, "switch", fail)
        pair.second(expected=6)


def by_choice(pair: Pair) -> None:
    pair.second("--without", "boot2", expected=6)


def by_choice_twice(pair: Pair) -> None:
    """Carried forward by a commit that says nothing of it."""
    pair.second("--without", "boot2", expected=6)
    pair.kp("group", "add", "rack", "--nodes", "n1", "-m", "g", expected=6)


def disabled(pair: Pair) -> None:
    pair.kp("target", "disable", "boot2", "-m", "rebuilt")
    pair.second()


def absent(pair: Pair) -> None:
    (pair.where / "boot2").rename(pair.where / "away")
    pair.second(expected=6)


def mounted_again(pair: Pair) -> None:
    absent(pair)
    (pair.where / "away").rename(pair.where / "boot2")


def ahead(pair: Pair) -> None:
    pair.identity("boot2", site="5" * 32)
    pair.second(expected=4)


def held(pair: Pair) -> None:
    pair.identity("boot2", hold="until Monday")
    pair.second()


CONDITIONS: dict[str, Callable[[Pair], None]] = {
    "live": live,
    "lagging by crash": crashed,
    "absent, and back": mounted_again,
    "lagging by choice": by_choice,
    "lagging by choice, carried forward": by_choice_twice,
    "absent": absent,
    "ahead": ahead,
    "held": held,
    "disabled": disabled,
}
FOLLOWS = {"live", "lagging by crash", "absent, and back"}
CHOSEN = {"lagging by choice", "lagging by choice, carried forward"}

# --- verbs: what boot1 serves after them, what boot2, and on which conditions of it

EDIT = ("image", "set", "web", "--params", "quiet")
Verb = tuple[tuple[str, ...], str, set[str]]
VERBS: dict[str, Verb] = {
    "an edit with -m": ((*EDIT, "-m", "x"), QUIET, FOLLOWS),
    "one that brings it along": (
        (*EDIT, "-m", "x", "--with", "boot2"),
        QUIET,
        FOLLOWS | CHOSEN | {"disabled"},
    ),
    "one that leaves it": ((*EDIT, "-m", "x", "--without", "boot2"), QUIET, set()),
    "a rollback": (("rollback", "web", "-m", "x"), ONE, FOLLOWS),
    "a revert": (("revert", "HEAD", "-m", "x"), ONE, FOLLOWS),
    "publish": (("publish",), TWO, FOLLOWS),
    "publish boot2": (("publish", "boot2"), TWO, FOLLOWS | CHOSEN),
    "publish boot1": (("publish", "boot1"), TWO, set()),
    "bad": (("bad", "web", "-m", "hangs"), TWO, set()),
    "good": (("good", "web", "-m", "boots"), TWO, set()),
    "gc": (("gc",), TWO, set()),
    "gc -n": (("gc", "--dry-run"), TWO, set()),
    "an edit -n": ((*EDIT, "-n"), TWO, set()),
    "an edit -m -n": ((*EDIT, "-m", "x", "-n"), TWO, set()),
    "an edit of the draft": (EDIT, TWO, set()),
    "a rollback -n": (("rollback", "web", "-n"), TWO, set()),
    "plan": (("plan",), TWO, set()),
    "discard": (("discard",), TWO, set()),
    "status": (("status",), TWO, set()),
    "verify": (("verify",), TWO, set()),
    "doctor": (("doctor",), TWO, set()),
    "why": (("why", "n1"), TWO, set()),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("pair")
    Pair(where)
    return where


@pytest.fixture
def pair(template: Path, tmp_path: Path) -> Pair:
    """A copy, made by hard work: kp.toml and times follow."""
    made = Pair.__new__(Pair)
    made.where, made.site = tmp_path, tmp_path / "site"
    made.kernels = {r: samples.bzimage(r) for r in (ONE, TWO)}
    os.system(f"cp -a {template}/. {tmp_path}")
    settings = made.site / "kp.toml"
    settings.write_text(settings.read_text().replace(str(template), str(tmp_path)))
    made.kp("publish")
    return made


@contextmanager
def looking(pair: Pair) -> Iterator[dict[str, set[str]]]:
    """Look at both targets after every rename."""
    seen: dict[str, set[str]] = {"boot1": set(), "boot2": set()}
    real = os.rename

    def rename(*args: object, **more: object) -> None:
        real(*args, **more)  # type: ignore[arg-type]
        for target, states in seen.items():
            states.add(pair.served(target))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "rename", rename)
        yield seen


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_served_before_during_and_after(
    pair: Pair, verb: str, condition: str
) -> None:
    CONDITIONS[condition](pair)
    argv, goal, reached = VERBS[verb]
    if verb == "a revert" and condition == "lagging by choice, carried forward":
        argv = ("revert", "HEAD~1", "-m", "x")
    before = {name: pair.served(name) for name in ("boot1", "boot2")}
    after = {"boot1": goal, "boot2": goal if condition in reached else before["boot2"]}
    with looking(pair) as seen:
        done = run(pair.site, *argv)
    assert {name: pair.served(name) for name in after} == after, done
    for name, states in seen.items():
        assert states <= {before[name], after[name]}
    if condition == "absent":
        (pair.where / "away").rename(pair.where / "boot2")
        assert pair.served("boot2") == ONE


@pytest.mark.parametrize("condition", sorted(CHOSEN))
@pytest.mark.parametrize("verb", ["an edit with -m", "publish", "bad", "status"])
def test_what_is_left_behind_by_choice_is_said(
    pair: Pair, verb: str, condition: str
) -> None:
    CONDITIONS[condition](pair)
    done = run(pair.site, *VERBS[verb][0])
    assert "left behind by choice; kp publish boot2" in done.out


def test_a_target_that_was_published_is_left_behind_no_longer(pair: Pair) -> None:
    by_choice(pair)
    pair.kp("publish", "boot2")
    pair.kp(*EDIT, "-m", "x")
    assert pair.served("boot2") == QUIET


def test_a_rollback_reaches_who_serves_the_payload_rolled_away_from(
    pair: Pair,
) -> None:
    pair.second()
    group = ("group", "add", "rack", "--nodes", "n1", "--add-param", "nomodeset")
    pair.kp(*group, "-m", "no payload changes", "--without", "boot2", expected=6)
    with looking(pair) as seen:
        done = pair.kp("rollback", "web", "-m", "hangs")
    assert "target boot2, left behind, goes back too" in done.out
    assert {pair.served("boot1"), pair.served("boot2")} == {ONE}
    assert seen["boot2"] <= {ONE, TWO}


def test_a_rollback_reaches_a_disabled_one_that_serves_it(pair: Pair) -> None:
    pair.second()
    pair.kp("target", "disable", "boot2", "-m", "rebuilt")
    pair.kp("rollback", "web", "-m", "hangs")
    assert pair.served("boot2") == ONE
    assert pair.kp("status").out.count("disabled") == 1


def test_a_rollback_that_finds_itself_done_brings_who_lags(pair: Pair) -> None:
    pair.second()
    real = StagedGeneration.switch
    with pytest.MonkeyPatch.context() as patch:
        fails = OSError(5, "Input/output error", "boot")
        patch.setattr(
            StagedGeneration, "switch", lambda _: (_ for _ in ()).throw(fails)
        )
        pair.kp("rollback", "web", "-m", "hangs", expected=6)
    assert StagedGeneration.switch is real
    assert pair.served("boot1") == TWO
    pair.kp("rollback", "web")
    assert {pair.served("boot1"), pair.served("boot2")} == {ONE}


def test_commits_of_before_say_it_by_their_arguments(pair: Pair) -> None:
    """An older kp wrote no Kp-Without: `--without` in Kp-Argv counts."""
    from kpstore.history.record import Record  # noqa: PLC0415 -- beside its use

    words = ("kp", "commit", "--without", "a", "--without=b", "-m", "c")
    said = Record("x", 2, "commit", argv=words)
    assert said.left_out == {"a", "b"}
    assert Record("x", 2, "commit", argv=words, without=("c",)).left_out == {"c"}


def test_an_edit_of_the_draft_leaves_nobody_behind(pair: Pair) -> None:
    done = run(pair.site, *EDIT, "--without", "boot2")
    assert done.status == 2
    assert "kp commit --without" in done.err


@pytest.mark.parametrize("option", ["--without", "--with"])
def test_a_name_that_is_no_target_is_refused(pair: Pair, option: str) -> None:
    done = run(pair.site, *EDIT, "-m", "x", option, "boot3")
    assert done.status == 1
    assert "boot3" in done.err
    assert run(pair.site, *EDIT, "-m", "x", "-n", option, "boot3").status == 1


def test_a_target_that_a_commit_does_not_touch_is_not_left_behind(pair: Pair) -> None:
    """Nor one that comes to equal main again, by a revert."""
    edit = ("image", "add", "db", "--arch", "x86_64", "-m", "x")
    pair.kp("target", "disable", "boot1", "-m", "one is enough")
    pair.kp("verdict", "list")
    pair.second("--without", "boot2", expected=6)
    done = pair.kp("revert", "HEAD", "-m", "back")
    assert "boot2: lagging" not in done.out
    assert pair.kp("status").status == 0
    tree = pair.where / "web"
    (tree / "boot").mkdir(parents=True)
    disk = ("--kind", "image", "--image", "web", "--loader", "grub")
    pair.kp("target", "add", "disk", *disk, "--root", str(tree), "-m", "t")
    assert pair.kp(*edit, "--without", "disk").status == 0
