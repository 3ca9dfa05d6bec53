"""A dry run writes nothing at all: neither site nor targets, whatever the verb."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from kpcmd.app import app, main
from kpcmd.context import World
from kpcmd.registry import VERBS
from kpstore.formats import samples
from support.cli import Cluster, copy, digest, run, template

DRY = {
    "apply": ["-f", "{document}"],
    "commit": ["-m", "x"],
    "default": ["web", "production"],
    "entry add": ["web", "more", "--like", "production"],
    "entry set": ["web", "production", "--add-param", "single"],
    "entry rm": ["web", "rescue"],
    "gc": [],
    "group add": ["g", "--nodes", "n01", "--add-param", "single"],
    "group set": ["rack1", "--add-param", "single"],
    "group rm": ["rack2"],
    "image add": ["new", "--tree", "{tree}"],
    "image set": ["web", "--params", "quiet"],
    "image rm": ["edge"],
    "kernel add": ["web", "--files", "{kernel}", "--name", "new"],
    "kernel rm": ["web", "unused"],
    "next": ["n01", "--entry", "production"],
    "node add": ["n99", "--mac", "02:00:00:00:99:99", "--image", "web"],
    "node import": ["{table}", "--format", "csv", "--image", "web"],
    "node set": ["n01", "--add-param", "single"],
    "node rename": ["n01", "login1"],
    "node rm": ["n01"],
    "node lock": ["n01", "-m", "x"],
    "node unlock": ["n01", "-m", "x"],
    "resolve": ["image/web/params", "--mine"],
    "revert": ["HEAD", "-m", "x"],
    "rollback": ["web", "--to", "HEAD~1"],
    "site set": ["--confirm-above", "9"],
    "target add": ["t", "--kind", "tftp", "--root", "{root}", "--loader", "grub"],
    "target disable": ["boot1"],
    "target enable": ["boot1"],
    "target rm": ["boot1"],
    "undo": [],
    "target set": ["boot1", "--drop-loader", "grub"],
}


# Of drafts alone, too: what those change is published by `kp commit`.
READING = {
    *("draft list", "draft load", "draft rm", "draft save", "draft show", "resolve"),
    *("at", "blame", "demo", "diff", "discard", "doctor", "entry list", "entry show"),
    *("export", "gc", "group list", "group show", "image list", "image show", "init"),
    *("kernel list", "kernel show", "log", "node list", "node show", "params explain"),
    *("plan", "publish", "schema", "show", "site show", "status", "target adopt"),
    *("target list", "undo", "verdict list", "verify", "why"),
}


def verbs_with(option: str = "") -> set[str]:
    """Return the verbs that have an option, or all, from the command itself."""
    group: Any = typer.main.get_command(app)
    found = set()
    for name in VERBS:
        command = group.get_command(None, name)
        inner = getattr(command, "commands", None)
        for each in [""] if inner is None else [*inner]:
            verb = command.get_command(None, each) if each else command
            options = {o for param in verb.params for o in param.opts}
            if not option or option in options:
                found.add(f"{name} {each}".strip())
    return found


def test_every_verb_with_a_dry_run_is_tried() -> None:
    by_hand = {"edit"}  # it asks a person: below
    assert set(DRY) | by_hand == verbs_with("--dry-run")


def test_every_verb_that_commits_can_leave_a_target_behind() -> None:
    every = verbs_with()
    assert verbs_with("--without") == verbs_with("--with") == every - READING
    assert every > READING
    assert verbs_with("--message") <= every - READING


@pytest.mark.parametrize("verb", sorted({*DRY, "good", "bad"} - READING))
def test_what_is_left_behind_serves_what_it_served(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, verb: str
) -> None:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    given = inputs(tmp_path)
    words = [word.format(**given) for word in DRY.get(verb, ["web"])]
    if "-m" not in words:
        words += ["-m", "at once"]
    made.kp("image", "set", "web", "--add-param", "one", "-m", "to go back from")
    main, tftp = made.main(), digest(made.tftp)
    done = run(made.site, *verb.split(), *words, "--without", "boot1")
    assert digest(made.tftp) == tftp, done
    if made.main() == main:  # in use, nothing to do, or no target any more
        refused = "kernel rm", "entry rm", "image rm", "target rm", "node unlock"
        assert verb in (*refused, "commit", "default", "target enable"), done


def test_what_is_edited_as_a_dry_run_is_written_nowhere(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    world = World("ann", "head", site=made.site, terminal=True)
    editor = "sed -i s/ro/rw/"
    before = digest(made.where)
    assert (
        main(["edit", "entry/web/production", "-n"], replace(world, editor=editor)) == 0
    )
    assert digest(made.where) == before


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("verb", sorted(DRY))
def test_nothing_is_written(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    verb: str,
    at_once: bool,
) -> None:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    given = inputs(tmp_path)
    words = [word.format(**given) for word in DRY[verb]]
    without_message = ("gc", "default", "undo", "resolve")
    if at_once and "-m" not in words and verb not in without_message:
        words += ["-m", "at once"]
    made.kp("group", "add", "one", "--nodes", "n01", "-m", "something to revert")
    before = digest(made.where)
    done = run(made.site, *verb.split(), *words, "-n")
    assert digest(made.where) == before, done
    # Some are in use, no node is locked, and nothing is a conflict.
    refused = "kernel rm", "entry rm", "image rm", "commit", "node unlock", "resolve"
    assert done.status == 0 or verb in refused, done


def inputs(where: Path) -> dict[str, str]:
    """Make what the verbs are given, and say where it is."""
    tree, root = where / "tree", where / "root"
    (tree / "boot").mkdir(parents=True)
    (tree / "boot/vmlinuz-6.5.0").write_bytes(samples.bzimage("6.5.0"))
    (tree / "boot/initrd.img-6.5.0").write_bytes(samples.initrd("6.5.0"))
    root.mkdir()
    kernel, table = where / "vmlinuz", where / "nodes.csv"
    kernel.write_bytes(samples.bzimage("6.6.0"))
    table.write_text("name,mac\nn98,02:00:00:00:98:98\n")
    document = where / "part.json"
    document.write_text('{"group/g": {"nodes": "n01", "params": ["single"]}}')
    places = {"tree": tree, "root": root, "kernel": kernel, "table": table}
    places["document"] = document
    return {name: str(path) for name, path in places.items()}


def test_a_rollback_that_is_not_done_says_what_it_would_say(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    made.kp("image", "set", "web", "--params", "a=1", "-m", "to go back from")
    out = made.kp("rollback", "web", "--to", "HEAD~1", "-n").out
    first, *said, last = out.splitlines()
    assert first == "this rollback would say:"
    assert said
    assert all(line.startswith("  ") for line in said)
    assert last == "20 nodes would boot differently: n[01-20]"


def test_a_dry_run_of_a_cluster_takes_no_lock(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made: Cluster = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    lock = made.site / "lock"
    lock.write_text("bob on head: kp commit\n")
    run(made.site, "gc", "-n")
    run(made.site, "rollback", "web", "-n")
    assert lock.read_text() == "bob on head: kp commit\n"
