"""What goes wrong after the commit point is said, and changes no exit status."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import kpcmd.arguments.paths
import kpcmd.views.outcomes
import kpstore.operations.session
from kpstore.errors import DiskFailure
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.staging import Staging
from kpstore.operations.transaction import Transaction
from support.cli import Cluster, Result, copy, run, template

MISTAKE = ZeroDivisionError("a mistake")
BUSY = sqlite3.OperationalError("disk I/O error")
DENIED = OSError(13, "Permission denied", "/srv/x")
FULL = DiskFailure("committing /srv/x: No space left on device", hint="free some")


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def raising(error: BaseException) -> Callable[..., Any]:
    def raises(*_: object, **__: object) -> None:
        raise error

    return raises


def raising_late(error: BaseException) -> Callable[..., Iterator[str]]:
    """Return what fails when its first line is asked for."""

    def lines(*_: object) -> Iterator[str]:
        raise error
        yield ""

    return lines


@pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
@pytest.mark.parametrize("error", [MISTAKE, BUSY, DENIED, FULL], ids=repr)
@pytest.mark.parametrize(
    ("where", "name", "status"),
    [
        (Staging, "switch", 6),
        (Transaction, "_retire", 0),
        (Transaction, "_adds_a_target", None),
        (kpstore.operations.session.drift, "remember", 0),
        (kpcmd.views.outcomes, "outcome_lines", 0),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_the_status_tells_of_the_commit(
    made: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    status: int | None,
    error: BaseException,
    as_json: bool,
):
    """None: it fails before the commit point, and nothing changed."""
    before = made.main()
    with monkeypatch.context() as patch:
        fails = raising_late if name == "outcome_lines" else raising
        patch.setattr(where, name, fails(error))
        words = ["image", "set", "web", "--params", "quiet", "-m", "why"]
        ended = run(made.site, *words, *(["--json"] if as_json else []))
    check(ended)
    if status is None:
        assert ended.status == 1
        assert made.main() == before
        return
    assert ended.status == status, ended
    assert made.main() != before
    if as_json:
        assert ended.json["commit"] == made.main()
        assert ended.json["nodes_changed"] == 20
    made.kp("publish")
    made.kp("verify")


def check(ended: Result) -> None:
    assert "Traceback" not in ended.err
    if "mistake" in ended.err:
        assert "errors.log" in ended.err


def test_a_draft_that_can_t_be_dropped_stays_and_is_said(
    made: Cluster, monkeypatch: pytest.MonkeyPatch
):
    made.kp("image", "set", "web", "--params", "quiet")
    monkeypatch.setattr(CallersDraft, "drop_read", raising(DENIED))
    ended = run(made.site, "commit", "-m", "why")
    assert ended.status == 0
    assert "the draft stays" in ended.err


@pytest.mark.parametrize(
    ("words", "status"),
    [("target rm boot1 -m why", 0), ("image rm lone -m why", 0), ("commit -m why", 0)],
)
def test_a_kp_toml_that_can_t_be_tidied_is_said(
    made: Cluster, monkeypatch: pytest.MonkeyPatch, words: str, status: int
):
    tree = str(made.tree("db"))
    made.kp("image", "add", "lone", "--tree", tree, "-m", "another")
    if words.startswith("commit"):
        made.kp("image", "rm", "lone")
    before = made.main()
    monkeypatch.setattr(kpcmd.arguments.paths, "save", raising(DENIED))
    ended = run(made.site, *words.split())
    assert (ended.status, made.main() != before) == (status, True), ended
    assert "is committed; after that: " in ended.err


def test_a_path_stays_in_kp_toml_when_its_target_is_committed(
    made: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What fails after the commit takes back nothing that the target needs."""
    (tmp_path / "root").mkdir()
    monkeypatch.setattr(Transaction, "_retire", raising(MISTAKE))
    words = ["target", "add", "boot2", "--kind", "tftp", "--loader", "grub"]
    ended = run(made.site, *words, "--root", str(tmp_path / "root"), "-m", "why")
    assert ended.status == 0, ended
    monkeypatch.undo()
    assert str(tmp_path / "root") in (made.site / "kp.toml").read_text("utf-8")
    conditions = {t["target"]: t["condition"] for t in made.json("status")["targets"]}
    assert conditions["boot2"] == "live"
