"""What an administrator does with `kp` alone, and what nodes get of it."""

import errno
import itertools
import os
import pty
import re
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from kpcmd.demo import cluster as demo
from kpstore.formats import samples
from kpstore.history.snapshot import Snapshot
from kpstore.site.targets import SiteTarget
from kpstore.targets.values import Staged
from support.cli import Cluster, copy, ok, run, template
from support.crash.seeded import replaced

MANY = 1000


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


# --- what a node gets


class Menu(NamedTuple):
    """What pxelinux reads; kernel and initrd as bytes, fetched as it does."""

    kernel: bytes
    initrd: bytes
    cmdline: str


def pxelinux(tftp: Path, mac: str) -> str:
    return (tftp / "pxelinux.cfg" / f"01-{mac.replace(':', '-')}").read_text("ascii")


def boot(tftp: Path, number: int) -> Menu:
    """Fetch what node `number` of the cluster boots over the network."""
    text = pxelinux(tftp, demo.mac(number))
    found = re.search(r"LINUX /(\S+)\n\s+INITRD /(\S+)\n\s+APPEND (.*)\n", text)
    assert found, text
    kernel, initrd, cmdline = found.groups()
    return Menu((tftp / kernel).read_bytes(), (tftp / initrd).read_bytes(), cmdline)


# --- R01: one manager for everything


def test_from_nothing_to_a_new_default_on_disk_and_network(tmp_path: Path):
    demo.make(tmp_path)
    site, tftp, tree = tmp_path / "s", tmp_path / "tftp", tmp_path / "images/web"
    kernels, new = tmp_path / "kernels", demo.NEW
    for line in (
        "init --name story",
        f"image add web --tree {tree}",
        "entry set web production --method mixed",
        f"target add net --kind tftp --root {tftp} --loader pxelinux --loader grub",
        f"target add disk --kind image --root {tree} --image web --loader grub "
        "--replace",
        f"node add n01 --mac {demo.mac(1)} --image web",
        "commit -m first",
        "good web -m runs",
        f"kernel add web --files {kernels}/vmlinuz-{new} "
        f"--initrd {kernels}/initrd.img-{new} --modules {kernels}/lib/modules",
        f"entry add web next --like production --kernel {new} --add-param quiet",
        "default web next",
        "commit -m second",
    ):
        ok(site, *line.split())
    got = boot(tftp, 1)
    assert got.kernel == (kernels / f"vmlinuz-{new}").read_bytes()
    assert got.initrd == (kernels / f"initrd.img-{new}").read_bytes()
    assert got.cmdline == "root=/dev/sda1 ro panic=30 quiet"
    config = (tree / "boot/grub/grub.cfg").read_text("ascii")
    assert "set default='kp-next'" in config
    at = config.index("--id 'kp-next'")
    path = re.search(r"linux \"\$kp_boot\"'(\S+)'", config[at:])
    assert path
    assert (tree / f"boot{path[1]}").read_bytes() == got.kernel
    given, brought = kernels / "lib/modules" / new, tree / "lib/modules" / new
    for file in filter(Path.is_file, given.rglob("*")):
        assert (brought / file.relative_to(given)).read_bytes() == file.read_bytes()
    assert ok(site, "verify", "--json").json[0]["condition"] == "live"


def test_the_way_back_is_one_command(made: Cluster):
    before, tree = boot(made.tftp, 1), made.tree("web") / "boot/grub/grub.cfg"
    config = tree.read_bytes()
    made.kp("entry", "add", "web", "loud", "--like", "production", "--params", "x=1")
    made.kp("default", "web", "loud")
    made.kp("commit", "-m", "louder")
    assert boot(made.tftp, 1) != before
    done = made.json("rollback", "web", "-m", "too loud")
    assert done["nodes_changed"] == 20
    assert boot(made.tftp, 1) == before
    assert tree.read_bytes() == config
    assert made.json("log", "-n", "1")[0]["op"] == "rollback"
    assert "kp rollback web -m 'too loud'" in made.kp("show").out
    again = made.json("rollback", "web")
    assert again["revision"] is None
    assert again["notes"]


# --- R05: all of it or nothing


def third_fails(late: bool, names: list[str]) -> Callable[..., Staged]:
    """Return how targets are staged where the third fails, be it when all is written.

    The targets' names are noted.
    """
    real: Callable[..., Staged] = SiteTarget.stage

    def stage(target: SiteTarget, *made: object) -> Staged:
        names.append(target.name)
        if len(names) != 3:
            return real(target, *made)
        if late:
            real(target, *made)
        raise OSError(errno.EIO, os.strerror(errno.EIO), target.name)

    return stage


@pytest.mark.parametrize("late", [False, True], ids=["at once", "once all is written"])
def test_a_third_target_that_fails_leaves_all_old(made: Cluster, late: bool):
    for image in demo.IMAGES:
        made.kp("image", "set", image.name, "--params", "kp.new=1")
    plan = made.json("plan")
    assert (plan["nodes"], plan["nodes_changed"]) == ("n[01-40]", 40)
    before, main, names = made.served(), made.main(), list[str]()
    with replaced(SiteTarget, stage=third_fails(late, names)):
        failed = run(made.site, "commit", "-m", "everywhere", "--json")
    assert len(names) == 3
    assert failed.status == 1
    assert names[-1] in failed.error["message"]
    assert failed.error["hint"]
    assert (made.served(), made.main()) == (before, main)
    assert made.json("plan")["changes"] == plan["changes"]  # the draft is whole
    done = made.json("commit", "-m", "now")
    assert {target["live"] for target in done["targets"]} == {made.main()}
    assert [boot(made.tftp, n).cmdline.split()[0] for n in (1, 21, 33)] == [
        "kp.new=1"
    ] * 3


# --- R09: two architectures in one TFTP root


def test_two_architectures_in_one_root(made: Cluster):
    web, edge = boot(made.tftp, 1), boot(made.tftp, 33)
    assert web.kernel == samples.bzimage(demo.OLD)
    assert edge.kernel == samples.raw_image(demo.OLD)
    shown = made.json("image", "list")
    assert {each["image"]: each["arch"] for each in shown} == {
        "db": "x86_64",
        "edge": "aarch64",
        "web": "x86_64",
    }


# --- R14: a node's own parameters


def test_nodes_get_ids_of_their_own(made: Cluster):
    line = "entry set edge production --method network"
    made.kp(*line.split(), "--add-param", "node_id={node.index}")
    made.kp("entry", "set", "edge", "production", "--add-param", "cid={node.var.c}")
    missing = run(made.site, "commit", "-m", "x")
    assert missing.status == 1
    assert "kp node set n33 --var c=VALUE" in missing.err
    for number in range(33, 41):
        made.kp("node", "set", f"n{number}", "--var", f"c=c{number % 2}")
    made.kp("commit", "-m", "ids")
    seen = set()
    for number in (33, 34, 35):
        name = f"n{number}"
        shown = made.json("entry", "show", "edge", "production", "--node", name)
        got = boot(made.tftp, number)
        assert got.cmdline == shown["cmdline"]
        assert f" node_id={number - 32} cid=c{number % 2} " in got.cmdline
        seen.add(got.cmdline)
    assert len(seen) == 3
    twice = run(made.site, "node", "set", "n34", "--index", "1", "-m", "x")
    assert twice.status == 1
    assert "is of n33 and of n34" in twice.err


# --- R60, and questions: a thousand nodes


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a thousand nodes of one image, which boots `run` or `rescue`."""
    where = tmp_path_factory.mktemp("thousand")
    (where / "tftp").mkdir()
    (where / "vmlinuz").write_bytes(samples.bzimage("6.2"))
    (where / "initrd").write_bytes(samples.initrd("6.2"))
    rows = [f"n{n:04},{node_mac(n)},web" for n in range(MANY)]
    (where / "nodes.csv").write_text("\n".join(["name,mac,image", *rows]))
    for line in (
        "init",
        f"target add net --kind tftp --root {where}/tftp --loader pxelinux",
        "image add web --arch x86_64",
        f"kernel add web --files {where}/vmlinuz --initrd {where}/initrd --name k",
        "entry add web run --kernel k --method network --params panic=5",
        "entry add web rescue --like run --add-param single",
        f"node import {where}/nodes.csv --format csv",
        "commit -m first",
    ):
        ok(where / "site", *line.split())
    return where


def node_mac(number: int) -> str:
    return f"02:00:00:01:{number // 256:02x}:{number % 256:02x}"


@contextmanager
def watched(tftp: Path) -> Iterator[list[str]]:
    """Read nodes' menus for the block, one after another; list what is no menu."""
    wrong, over = list[str](), threading.Event()

    def watch() -> None:
        for number in itertools.cycle(range(0, MANY, 7)):
            try:
                text = pxelinux(tftp, node_mac(number))
                if not re.search(r"APPEND panic=5( single)?\n", text):
                    wrong.append(text)
            except OSError as error:
                wrong.append(str(error))
            if over.is_set():
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


def test_next_boot_of_a_thousand_nodes_and_back(thousand: Path):
    site, tftp = thousand / "site", thousand / "tftp"
    every = f"n[0000-{MANY - 1:04}]"
    with watched(tftp) as wrong:
        put = ok(site, "next", every, "--entry", "rescue", "-m", "all", "--json")
        assert (put.json["nodes_changed"], put.err) == (MANY, f"1,000 nodes: {every}\n")
        menus = {pxelinux(tftp, node_mac(number)) for number in range(MANY)}
        assert len(menus) == 1
        assert "APPEND panic=5 single\n" in menus.pop()
        listed = ok(site, "next", "--list", "--json").json
        assert [each["node"] for each in listed] == [f"n{n:04}" for n in range(MANY)]
        some = ok(site, "next", "n[0000-0499]", "--clear", "--json").json
        assert some["nodes_changed"] == MANY // 2
        assert len(ok(site, "next", "--list", "--json").json) == MANY // 2
        assert "override" in ok(site, "why", "n0500", "--json").json["reason"]
        ok(site, "next", every, "--clear")
        menus = {pxelinux(tftp, node_mac(number)) for number in range(MANY)}
        assert len(menus) == 1
        assert "APPEND panic=5\n" in menus.pop()
    assert wrong == []
    assert ok(site, "next", "--list", "--json").json == []


def test_a_commit_of_a_thousand_nodes_is_folded(thousand: Path):
    site = thousand / "site"
    ok(site, "next", f"n[0000-{MANY - 1:04}]", "--entry", "rescue", "-m", "all")
    *_, nodes, last = ok(site, "show").out.splitlines()
    assert nodes == f"1,000 nodes: n[0000-{MANY - 1:04}]"
    assert last.startswith("  next: ")
    assert ok(site, "show", "--all").out == ok(site, "show").out
    assert len(ok(site, "show", "--json").json["changes"]) == MANY
    ok(site, "next", f"n[0000-{MANY - 1:04}]", "--clear")


def test_next_boots_are_listed_without_a_look_at_the_other_nodes(
    thousand: Path, monkeypatch: pytest.MonkeyPatch
):
    site = thousand / "site"
    ok(site, "next", "n[0003-0004]", "--entry", "rescue", "-m", "two")
    monkeypatch.setattr(
        Snapshot, "raw_nodes", lambda _: pytest.fail("all nodes are read")
    )
    found = ok(site, "next", "--list", "--json").json
    assert [each["node"] for each in found] == ["n0003", "n0004"]
    assert ok(site, "next", "--list", "n0005", "--json").json == []
    ok(site, "next", "n[0003-0004]", "--clear", "-m", "none")
    assert ok(site, "next", "--list", "--json").json == []


def test_of_nodes_that_are_not_alike_the_first_are_shown(thousand: Path):
    site = thousand / "site"
    every = ok(site, "log", "--json").json
    tip = next(each["revision"] for each in every if each["subject"] == "first")
    *_, last = ok(site, "show", tip).out.splitlines()
    assert re.fullmatch(rf"and .*9[0-9]{{2}} nodes.*: kp show {tip} --all", last)
    lines = ok(site, "show", tip, "--all").out.splitlines()
    assert len([line for line in lines if line.startswith("node n")]) == MANY


# --- questions


def test_a_pipe_is_never_asked(thousand: Path):
    site = thousand / "site"
    done = run(site, "next", "n[0000-0099]", "--entry", "rescue", "--json")
    assert done.json["nodes_changed"] == 100
    assert "Go on?" not in done.err
    ok(site, "next", "n[0000-0099]", "--clear")


# An answer would be read from stdin, which pytest forbids: to be asked is to fail.
@pytest.mark.parametrize("words", ["n[0000-0049]", "n[0000-0099] -y"])
def test_few_nodes_or_yes_ask_nothing_on_a_terminal(thousand: Path, words: str):
    site, argv = thousand / "site", ("next", *words.split(), "--entry", "rescue")
    done = run(site, *argv, terminal=True)
    assert (done.status, "Go on?" in done.err) == (0, False)
    ok(site, "next", "n[0000-0099]", "--clear")


@pytest.mark.parametrize(
    ("answer", "status"),
    [("n\n", 130), ("\x03", 130), ("y\n", 0)],
    ids=["n", "^C", "y"],
)
def test_many_nodes_are_asked_about_once_on_a_terminal(
    thousand: Path, answer: str, status: int
):
    site = thousand / "site"
    main = (site / "state.git/refs/heads/main").read_bytes()
    argv = ["--site", str(site), "next", "n[0000-0099]", "--entry", "rescue"]
    found, text = on_a_terminal(argv, answer)
    assert found == status, text
    assert text.count("Go on?") == 1
    assert "100 nodes change: n[0000-0099]" in text
    assert "Traceback" not in text
    moved = (site / "state.git/refs/heads/main").read_bytes() != main
    assert moved == (status == 0)
    if moved:
        ok(site, "next", "n[0000-0099]", "--clear")


@pytest.mark.parametrize("words", ["rollback web --to HEAD~1", "revert HEAD -m x"])
def test_going_back_names_the_nodes_before_it_asks(thousand: Path, words: str):
    site, every = thousand / "site", f"n[0000-{MANY - 1:04}]"
    ok(site, "entry", "set", "web", "run", "--add-param", "quiet", "-m", "quiet")
    tip = ok(site, "show", "--json").json["commit"]
    status, text = on_a_terminal(["--site", str(site), *words.split()], "n\n")
    assert status == 130, text
    assert (
        f"1,000 nodes {'go back' if 'rollback' in words else 'change'}: {every}" in text
    )
    assert ok(site, "show", "--json").json["commit"] == tip
    plain = ok(site, *words.split(), "-n")
    assert f"1,000 nodes would boot differently: {every}" in plain.out
    done = run(site, *words.split(), "-y", "--json", terminal=True)
    assert (done.status, done.json["nodes_changed"]) == (0, MANY)


def on_a_terminal(argv: list[str], answer: str) -> tuple[int, str]:
    """Run kp on a terminal of its own and answer its question."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-m", "kpcmd", *argv])
    text = _until(terminal, "Go on?")
    while "(sleeping)" not in Path(f"/proc/{child}/status").read_text():
        time.sleep(0.01)  # a signal that comes just before it reads waits for a key
    os.write(terminal, answer.encode())
    text += _until(terminal, None)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def _until(terminal: int, wanted: str | None) -> str:
    """Read what it shows up to a text, or to its end."""
    text = ""
    while wanted is None or wanted not in text:
        assert select.select([terminal], [], [], 600)[0], f"only this: {text}"
        try:
            data = os.read(terminal, 4096)
        except OSError:  # EIO: the other end is closed
            return text
        if not data:
            return text
        text += data.decode()
    return text
