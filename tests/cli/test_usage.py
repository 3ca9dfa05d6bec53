"""Wrong usage is exit 2: options that are missing, contradict each other, mean nothing.

What the site refuses (a name that it doesn't have, a rule) is exit 1.
"""

from pathlib import Path

import pytest

from support.cli import Cluster, copy, digest, run, template

# The command, and a word of its message.
WRONG = [
    ("at r2", "--node"),
    ("at r2 --node n01 --image web", "--node"),
    ("at yesterday --node n01", "yesterday"),
    ("bad -m x", "--all"),
    ("bad web --all -m x", "--all"),
    ("commit -m x --author=", "--author"),
    ("default web production --force= -m x", "reason"),
    ("doctor --tftp boot1:tftp", "boot1:tftp"),
    ("entry add web x -m x", "needs a kernel"),
    ("entry add web x --like production --xen-params a -m x", "--xen"),
    ("entry add web x --like production --method tape", "tape"),
    ("entry set web production -m x", "nothing to set"),
    ("entry set web production --method tape -m x", "tape"),
    ("entry set web production --xen none --xen-params a -m x", "--xen-params"),
    ("entry set web production --add-param q --remove-param q -m x", "'q'"),
    ("entry set web production --add-param q=1 --remove-param q -m x", "'q'"),
    ("good -m x", "--all"),
    ("group set rack1 -m x", "nothing to set"),
    ("group set rack1 --add-param q --remove-param q -m x", "'q'"),
    ("image add x -m x", "--arch"),
    ("image set web -m x", "nothing to set"),
    ("kernel add web -m x", "exactly one origin"),
    ("kernel add web --files a --installed b -m x", "exactly one origin"),
    ("kernel add web --package a --files b -m x", "exactly one origin"),
    ("kernel add web --installed 1 --initrd b -m x", "--initrd"),
    ("log --since garbage", "garbage"),
    ("log --until 2026-13-40", "2026-13-40"),
    ("log -n 0", "-n"),
    ("next n01", "--entry"),
    ("next n01 --entry production --clear", "--entry"),
    ("next --clear", "which nodes"),
    ("next --entry production", "which nodes"),
    ("next n01 --clear --add-param q", "--add-param"),
    ("next --list --add-param q", "--add-param"),
    ("node add x --mac 02:00:00:00:07:09 --var k -m x", "K=V"),
    ("node import nodes --format vax", "vax"),
    ("node set n01 -m x", "nothing to set"),
    ("node set n01 --index=-1 -m x", "--index"),
    ("publish --force", "--force"),
    ("publish --wait=-1", "--wait"),
    ("rollback", "--all"),
    ("rollback web --all", "--all"),
    ("schema vax", "vax"),
    ("site set -m x", "nothing to set"),
    ("site set --confirm-above=-1 -m x", "--confirm-above"),
    ("site set --require-param a --forbid-param a -m x", "'a'"),
    ("image set web --allow-param a --require-param a -m x", "'a'"),
    ("site set --params-table 3 -m x", "--params-table"),
    ("site set --together ro -m x", "'ro'"),
    ("site set --retention generations -m x", "'generations'"),
    ("site set --retention generations=2d -m x", "not a time"),
    ("site set --retention grace=2w -m x", "'grace=2w'"),
    ("site set --retention years=2 -m x", "'years=2'"),
    ("site set --unknown-nodes net -m x", "net"),
    ("site set --variable a=low -m x", "'low'"),
    ("site set --variable a=1..2..3 -m x", "'1..2..3'"),
    ("target add x --kind disk --root . --loader grub", "disk"),
    ("target add x --kind image --root . --loader grub", "--image"),
    ("target add x --kind tftp --root . --image web --loader grub", "--image"),
    ("target add x --kind tftp --root . --loader grub --replace", "--replace"),
    (
        "target add x --kind image --image web --root . --loader grub --prefix p",
        "--pre",
    ),
]
REFUSED = [
    "at r99 --node n01",
    "next n01 --entry nope",
    "next n01 --entry production --once",
    "publish nope --force",
    "rollback nope",
    "kernel add web --package linux",
    "node import nodes --format dhcpd",
    "verify --signatures",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    where = tmp_path_factory.mktemp("usage") / "cluster"
    return copy(template(tmp_path_factory.getbasetemp()), where)


@pytest.fixture(scope="module")
def before(made: Cluster) -> str:
    return kept(made)


def kept(made: Cluster) -> str:
    """Digest what is kept: history, drafts, local settings."""
    settings = (made.site / "kp.toml").read_text("utf-8")
    return digest(made.site / "state.git") + settings


@pytest.mark.parametrize(("command", "says"), WRONG, ids=[c for c, _ in WRONG])
def test_wrong_usage_is_2(made: Cluster, before: str, command: str, says: str):
    plain = run(made.site, *command.split())
    assert (plain.status, plain.out) == (2, "")
    assert says in plain.err
    told = run(made.site, *command.split(), "--json")
    assert told.status == 2
    assert told.error["code"] == "usage"
    assert says in told.error["message"]
    assert told.error["hint"]
    assert kept(made) == before


@pytest.mark.parametrize("command", REFUSED)
def test_what_the_site_refuses_is_1(made: Cluster, command: str):
    done = run(made.site, *command.split(), "--json")
    assert done.status == 1
    assert done.error["code"] not in ("usage", "internal")


def test_a_commit_without_a_message_is_2_where_nobody_can_be_asked(
    made: Cluster, tmp_path: Path
):
    cluster = copy(made, tmp_path / "cluster")
    cluster.kp("image", "set", "web", "--params", "a=1")
    done = run(cluster.site, "commit", "--json")
    assert (done.status, done.error["code"]) == (2, "usage")
    assert "-m" in done.error["hint"]
