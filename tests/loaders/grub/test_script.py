"""The reader of GRUB's language against examples of the GRUB manual's rules."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from kpstore.errors import InvalidInput
from kpstore.loaders.grub import disk, network
from kpstore.loaders.grub.script import commands
from kpstore.loaders.menu import Menu
from support import strategies


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b  c\n\n d", [["a", "b", "c"], ["d"]]),
        ("a; b;c", [["a"], ["b"], ["c"]]),
        ("if a; then\n b\nelse c; fi", [["a"], ["b"], ["c"]]),
        ("for x in 1 2; do echo $x; done", [["x", "in", "1", "2"], ["echo", "{x}"]]),
        ("menuentry 'a b' --id x {\n b\n}", [["menuentry", "a b", "--id", "x"], ["b"]]),
        ("a 'b;c'\"d e\"f", [["a", "b;cd ef"]]),
        ("a $kp_index-$kp_var_x", [["a", "{node.index}-{node.var.x}"]]),
        ('a "x$kp_mac.y"', [["a", "x{node.mac}.y"]]),
        ("a '$kp_index'", [["a", "$kp_index"]]),
        ("a ''", [["a", ""]]),
        ("# note\na b#c # d\n#e", [["a", "b#c"]]),
        ("", []),
    ],
)
def test_text_becomes_commands(text: str, expected: list[list[str]]):
    assert commands(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("a 'b", 'a "b', "a `b`", "a b\\", "a | b", "a & b", "a > b"),
        *("a ${x}", "a $", "a $1", "a '{'", 'a "{x}"'),
    ],
)
def test_what_kp_does_not_write_is_refused(text: str):
    with pytest.raises(InvalidInput):
        commands(text)


def accepted(script: bytes, folder: Path) -> bool:
    """Ask GRUB's own parser."""
    tool = shutil.which("grub-script-check")
    assert tool, "grub-script-check is missing: tests/support/rig/install-packages"
    file = folder / "script"
    file.write_bytes(script)
    return subprocess.run([tool, file], check=False).returncode == 0


@pytest.mark.system
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(menu=strategies.menus(strategies.tokens()))
def test_grub_itself_takes_every_menu(menu: Menu, tmp_path: Path):
    assert accepted(network.write_menu(menu), tmp_path)


@pytest.mark.system
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(menu=strategies.menus(strategies.plain_tokens(), "/boot/kp"))
def test_grub_itself_takes_every_grub_cfg(menu: Menu, tmp_path: Path):
    assert accepted(disk.write_config({"a": menu, "b": menu}, "b"), tmp_path)


@pytest.mark.system
def test_grub_s_parser_does_refuse_something(tmp_path: Path):
    assert not accepted(b"linux 'a\n", tmp_path)
