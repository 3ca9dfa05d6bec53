"""A known-bad payload becomes default by `--force REASON` only, by whichever verb."""

import shutil
from pathlib import Path

import pytest

from kpcmd.demo.cluster import NEW, OLD
from support.cli import Cluster, as_installed, copy, run, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster whose web booted a payload that is known bad, and boots another."""
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    made.kp("bad", "web", "-m", "it hangs")
    return made


def refused_but_by_force(made: Cluster, *argv: str) -> None:
    """The verb refuses and says how it is meant; then it does it, and records why."""
    main = made.main()
    refused = run(made.site, *argv, "-m", "x", "--json")
    assert (refused.status, refused.error["code"]) == (1, "needs-confirmation")
    assert "it hangs" in refused.error["message"]
    assert "--force REASON" in refused.error["hint"]
    assert made.main() == main
    made.kp(*argv, "-m", "x", "--force", "it was a cable")
    assert made.json("show")["body"] == "Forced: it was a cable"


def test_image_set_and_revert(made: Cluster):
    made.kp("image", "set", "web", "--params", "a=1", "-m", "another payload")
    refused_but_by_force(made, "revert", "HEAD")
    made.kp("image", "set", "web", "--params", "a=1", "-m", "another payload")
    refused_but_by_force(made, "image", "set", "web", "--params", "")


def test_entry_set_and_default(made: Cluster):
    made.kp("entry", "add", "web", "new", "--like", "production", "-m", "x")
    made.kp("entry", "set", "web", "new", "--params", "a=1", "-m", "x")
    made.kp("default", "web", "new", "-m", "x")
    refused_but_by_force(made, "default", "web", "production")
    made.kp("default", "web", "new", "-m", "x")
    refused_but_by_force(made, "entry", "set", "web", "new", "--like", "production")


def test_next_boot(made: Cluster):
    """The way that a canary is set, and an entry that one boots and that changes."""
    made.kp("entry", "add", "web", "new", "--like", "production", "-m", "x")
    made.kp("image", "set", "web", "--params", "a=1", "-m", "another payload")
    made.kp("next", "n[01-02]", "--entry", "new", "-m", "a canary")
    refused_but_by_force(made, "image", "set", "web", "--params", "")
    made.kp("next", "n[01-02]", "--clear", "-m", "x")
    made.kp("image", "set", "web", "--params", "a=1", "-m", "another payload")
    made.kp("entry", "set", "web", "new", "--params", "a=2", "-m", "x")
    made.kp("bad", "web", "new", "-m", "it hangs")
    said = run(made.site, "next", "n[01-03]", "--entry", "new", "-m", "x")
    assert "web/new, the next boot of n[01-03], is known bad" in said.err
    refused_but_by_force(made, "next", "n[01-03]", "--entry", "new")
    made.kp("next", "n[01-03]", "--entry", "new", "--add-param", "debug", "-m", "x")
    made.kp("next", "n[01-03]", "--clear", "-m", "back")


def test_a_draft_is_forced_by_its_commit(made: Cluster):
    made.kp("image", "set", "web", "--params", "a=1", "-m", "another payload")
    said = made.kp("image", "set", "web", "--params", "", "--force", "a cable").err
    assert "kp commit --force" in said
    assert run(made.site, "commit", "-m", "x").status == 1
    made.kp("commit", "-m", "x", "--force", "a cable")


def test_kernel_add(made: Cluster):
    files = made.where / "kernels"
    add = ("kernel", "add", "web", "--name", OLD, "--replace")
    new = ("--files", str(files / f"vmlinuz-{NEW}"))
    made.kp(*add, *new, "-m", "another kernel")
    refused_but_by_force(made, *add, "--installed", OLD)


def test_image_and_entry_add(made: Cluster):
    tree = made.where / "images/web2"
    shutil.copytree(made.tree("web"), tree, symlinks=True)
    refused_but_by_force(made, "image", "add", "web2", "--tree", str(tree))
    add = ("entry", "add", "web", "again", "--like", "production", "--default")
    made.kp("entry", "set", "web", "production", "--add-param", "b", "-m", "x")
    refused_but_by_force(made, *add, "--remove-param", "b")


def test_image_add_takes_files_that_do_not_match_when_told_to(made: Cluster):
    tree = made.where / "images/web3"
    shutil.copytree(made.tree("db"), tree, symlinks=True)
    as_installed(tree, OLD)
    (tree / f"boot/initrd.img-{OLD}").write_bytes(b"no initrd" * 100)
    refused = run(made.site, "image", "add", "web3", "--tree", str(tree))
    assert refused.status == 1
    assert "--force-mismatch" in refused.err
    made.kp("image", "add", "web3", "--tree", str(tree), "--force-mismatch")
