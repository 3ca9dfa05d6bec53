"""What is longer than the terminal is paged; who leaves the pager early had enough."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.cli import Cluster, copy, template
from support.terminals import all_of

KP = (sys.executable, "-m", "kpcmd")
LIST = ("node", "list")  # forty nodes, on a terminal of 24 lines


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    where = tmp_path_factory.mktemp("pager") / "cluster"
    return copy(template(tmp_path_factory.getbasetemp()), where)


def on_a_terminal(
    made: Cluster, *argv: str, env: Mapping[str, str]
) -> tuple[int, str, str]:
    """Run kp with stdout on a terminal; return status, what that got, and stderr."""
    ours, theirs = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if k not in ("PAGER", "LESS")}
    ran = subprocess.Popen(
        [*KP, "--site", str(made.site), *argv],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**kept, "LINES": "24", "COLUMNS": "80", "TERM": "xterm", **env},
    )
    os.close(theirs)
    text = all_of(ours)
    _, err = ran.communicate(timeout=300)
    return ran.returncode, text.decode(), err.decode()


@pytest.fixture
def pager(tmp_path: Path) -> Path:
    """A pager that tells what it was given, and how less is asked."""
    script = tmp_path / "pager"
    script.write_text(f'#!/bin/sh\necho "paged $LESS"; cat > {tmp_path}/given\n')
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("name", ["PAGER", "KP_PAGER"])
def test_a_long_list_is_paged(made: Cluster, pager: Path, name: str):
    status, text, err = on_a_terminal(made, *LIST, env={name: str(pager)})
    assert (status, text, err) == (0, "paged FRX\r\n", "")
    given = (pager.parent / "given").read_text().splitlines()
    assert (len(given), given[0].split()[0]) == (41, "NODE")


UNPAGED = {
    "told so": ((*LIST, "--no-pager"), {}),
    "short": (("image", "list"), {}),
    "a document": ((*LIST, "--json"), {}),
    "cat": (LIST, {"KP_PAGER": "cat"}),
    "none": (LIST, {"KP_PAGER": ""}),
    "no such program": (LIST, {"KP_PAGER": "/nowhere/less"}),
    "half a quote": (LIST, {"KP_PAGER": "less '"}),
}


@pytest.mark.parametrize("case", UNPAGED)
def test_nothing_else_is(made: Cluster, pager: Path, case: str):
    words, env = UNPAGED[case]
    status, text, err = on_a_terminal(made, *words, env={"PAGER": str(pager), **env})
    assert (status, err) == (0, "")
    assert "paged" not in text
    assert "n01" in text or "web" in text


def test_nothing_is_paged_in_a_pipe(made: Cluster, pager: Path):
    done = subprocess.run(
        [*KP, "--site", str(made.site), *LIST],
        env={**os.environ, "PAGER": str(pager)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("NODE")


@pytest.mark.parametrize("gone", ["true", "head -c 1", "false"])
def test_who_leaves_the_pager_early_had_enough(made: Cluster, gone: str):
    status, _, err = on_a_terminal(made, *LIST, env={"PAGER": gone})
    assert (status, err) == (0, "")


def test_columns_are_as_wide_as_the_terminal(made: Cluster):
    env = {"KP_PAGER": "cat", "COLUMNS": "60"}
    long = made.kp("params", "explain", "x=" + "y" * 100).out
    _, text, _ = on_a_terminal(made, "params", "explain", "x=" + "y" * 100, env=env)
    assert max(map(len, long.splitlines())) > 100
    assert "x=" + "y" * 100 in text  # which it is about
