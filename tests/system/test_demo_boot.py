"""`make demo-boot`, told to the end; and that it believes no machine blindly."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.rig import demo, parts, qemu

pytestmark = pytest.mark.system

CHECKOUT = Path(__file__).resolve().parents[2]
EXPECTED = 'console=ttyS0 "a=b c" node_id=1'


def outcome(said: str, initrd: str = "stable") -> qemu.Outcome:
    lines = (
        "KP-BEGIN",
        f"KP-CMDLINE {said}",
        f"KP-KERNEL {parts.kernel_release()}",
        f"KP-INITRD {initrd}",
        "KP-END",
    )
    return qemu.Outcome("text", "\n".join(["", *lines, ""]), "", 1.0)


def test_what_a_loader_adds_is_no_difference() -> None:
    said = outcome(f"BOOT_IMAGE=/v {EXPECTED} initrd=/i BOOTIF=01-02")
    assert demo.check_report(said, EXPECTED, "stable").initrd == "stable"


# Functions: the rig's parts are not there when tests are only collected.
@pytest.mark.parametrize(
    "seen",
    [
        lambda: outcome(EXPECTED.replace("node_id=1", "node_id=2")),
        lambda: outcome(EXPECTED.removesuffix(" node_id=1")),
        lambda: outcome(f"{EXPECTED} quiet"),
        lambda: outcome(EXPECTED, initrd="hasty"),
        lambda: qemu.Outcome("limit", "", "", 150.0),
        lambda: qemu.Outcome("off", outcome(EXPECTED).console, "", 10.0),
    ],
    ids=["value", "missing", "added", "initrd", "silent", "off"],
)
def test_a_guest_that_differs_ends_the_story(seen: Callable[[], qemu.Outcome]) -> None:
    with pytest.raises(demo.NotSeenError):
        demo.check_report(seen(), EXPECTED, "stable")


def test_a_command_that_fails_ends_the_story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(demo.NotSeenError, match="kp status ended with status 1"):
        demo.kp("status")


def test_the_story_is_seen_to_its_end() -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "tests")}
    told = subprocess.run(
        [sys.executable, "-m", "support.rig.demo"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    panic, rollback, again = (
        told.stdout.index(text)
        for text in ("Kernel panic", "$ kp rollback web", "booted again")
    )
    assert panic < rollback < again
    assert told.stdout.count("with initrd stable") == 3
