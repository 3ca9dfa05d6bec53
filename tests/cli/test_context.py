"""Who calls: the person, never just root where one is known."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from kpcmd import context
from kpcmd.context import Session, Signals, Terminated, World

PEOPLE: Mapping[int | None, str] = {0: "root", 1000: "ann", 1001: "bob"}


@pytest.mark.parametrize(
    ("environ", "login", "uid", "expected"),
    [
        ({"KP_USER": "carol", "SUDO_USER": "ann"}, 1001, 0, "carol"),
        ({"SUDO_USER": "ann"}, 1001, 0, "ann"),
        ({}, 1001, 0, "bob"),
        ({}, None, 1000, "ann"),
        ({}, None, 0, "root"),
        ({"KP_USER": ""}, None, 1000, "ann"),
        ({}, 4242, 1000, "ann"),
        ({}, None, 4242, "4242"),
    ],
)
def test_the_person(
    monkeypatch: pytest.MonkeyPatch,
    environ: Mapping[str, str],
    login: int | None,
    uid: int,
    expected: str,
):
    monkeypatch.setattr(context, "_login_uid", lambda: login)
    monkeypatch.setattr(context, "_name_of", lambda each: PEOPLE.get(each, ""))
    monkeypatch.setattr(os, "getuid", lambda: uid)
    for name in ("KP_USER", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert World.of_process().user == expected


def test_the_site(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KP_SITE", "/srv/one")
    world = World.of_process()
    assert Session(world, []).root == Path("/srv/one")
    assert Session(world, [], site=Path("/srv/two")).root == Path("/srv/two")
    monkeypatch.delenv("KP_SITE")
    assert Session(World.of_process(), []).root == Path("/var/lib/kp")


def test_signals_stop_before_the_shield_and_not_after_it():
    signals, before = Signals(), signal.getsignal(signal.SIGTERM)
    signals.watch()
    with pytest.raises(Terminated):
        signal.raise_signal(signal.SIGTERM)
    with signals.shield():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)  # until the outcome is told
    signals.restore()
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
