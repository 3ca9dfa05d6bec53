"""The import contracts of pyproject.toml hold, and would notice if they didn't."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.sources import ROOT

BREACHES = {
    "imports point one way": ("kpstore/model/names.py", "import kpstore.picker"),
    "loaders' families don't know each other": (
        "kpstore/loaders/grub/foreign.py",
        "from kpstore.loaders.bls import disk",
    ),
    "kinds of target don't know each other": (
        "kpstore/targets/tree/target.py",
        "from kpstore.targets.tftp import target",
    ),
    "publishing knows bytes, not boot state": (
        "kpstore/targets/tftp/stage.py",
        "from kpstore.model.state import State",
    ),
    "what is pure touches no disk": (
        "kpstore/loaders/listing.py",
        "from kpstore.disk.beneath import Beneath",
    ),
    "the library does not know its front ends": (
        "kpstore/health/verdicts.py",
        "import kpcmd",
    ),
    "front ends use the facade": (
        "cli/kpcmd/breach.py",
        "from kpstore.operations import transaction",
    ),
    "git's formats are history's business": (
        "kpstore/targets/tftp/target.py",
        "import dulwich.repo",
    ),
    "SQL is the index's business": ("kpstore/history/git/refs.py", "import sqlite3"),
    "one way to lock": ("kpstore/targets/tree/target.py", "import filelock"),
    "the library starts no program and talks to no terminal": (
        "kpstore/loaders/grub/network.py",
        "import subprocess",
    ),
}


def verdicts(project: Path, cache: Path) -> dict[str, str]:
    """Run the linter on a project; return KEPT or BROKEN by contract."""
    linter = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run(
        [linter, "--no-logo", "--cache-dir", cache],
        cwd=project,
        env={"PYTHONPATH": f"{project}:{project / 'cli'}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    lines = (line.partition(" (")[0].rpartition(" ") for line in said.splitlines())
    return {name: word for name, _, word in lines if word in {"KEPT", "BROKEN"}}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the product's source, to be broken."""
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("kpstore", "cli"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept(copy: Path):
    assert verdicts(copy, copy / "cache") == dict.fromkeys(BREACHES, "KEPT")


def test_every_contract_notices_a_breach(copy: Path):
    for path, line in BREACHES.values():
        file = copy / path
        text = file.read_text("utf-8") if file.exists() else ""
        file.write_text(f"{text}\n{line}\n", "utf-8")
    assert verdicts(copy, copy / "cache") == dict.fromkeys(BREACHES, "BROKEN")
