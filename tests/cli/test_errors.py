"""What went wrong, as exit status and words; and which status counts of several."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from kpcmd.context import Session, Terminated, World
from kpcmd.errors import MEANINGS, explain, worst
from kpstore import errors
from kpstore.errors import KpError

STATUS = {
    errors.InvalidInput: 1,
    errors.NotFound: 1,
    errors.Refused: 1,
    errors.NeedsConfirmation: 1,
    errors.Conflict: 3,
    errors.Drift: 4,
    errors.Locked: 75,
    errors.CorruptState: 1,
    errors.DiskFailure: 1,
}


def session(**more: object) -> Session:
    given = Session(World(user="ann", host="head", site=Path("/nowhere")), ["status"])
    for name, value in more.items():
        setattr(given, name, value)
    return given


def subclasses(kind: type[KpError]) -> Iterator[type[KpError]]:
    for each in kind.__subclasses__():
        if each.__module__ == "kpstore.errors":
            yield from (each, *subclasses(each))


def test_every_error_has_a_status():
    assert set(subclasses(KpError)) == set(STATUS)


@pytest.mark.parametrize("kind", STATUS, ids=lambda kind: kind.__name__)
def test_an_error_is_said_with_its_hint(
    kind: type[KpError], capsys: pytest.CaptureFixture[str]
):
    error = kind("this is wrong", hint="do that")
    assert explain(session(), error) == STATUS[kind]
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "kp: this is wrong\nhint: do that\n"
    assert explain(session(as_json=True), error) == STATUS[kind]
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": kind.code, "message": "this is wrong", "hint": "do that"}
    }


def test_the_system_refuses(capsys: pytest.CaptureFixture[str]):
    error = OSError(errno.ENOSPC, "No space left on device", "/srv/kp/x")
    assert explain(session(), error) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "kp: the system refused /srv/kp/x: No space left on device\n"
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), 130), (typer.Abort(), 130), (Terminated(), 143)],
)
def test_interrupted(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
):
    assert explain(session(), error) == status
    assert capsys.readouterr().err == "kp: interrupted: nothing changed\n"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [((), 0), ((0, 0), 0), ((4, 6), 6), ((5, 4), 4), ((3, 6, 4), 3), ((5, 0), 5)],
)
def test_where_several_apply(statuses: tuple[int, ...], expected: int):
    assert worst(*statuses) == expected


def test_every_status_has_a_meaning():
    assert {*STATUS.values(), 0, 2, 5, 6, 10, 130} == set(MEANINGS)
