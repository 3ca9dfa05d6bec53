"""Tests are collected where nothing but Python and the lock's packages is installed."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFUSING = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules!r}:
            raise OSError(f"{{name}} is not to be had on a bare machine")

sys.meta_path.insert(0, Refusing())
"""


def of_system_tests_only() -> set[str]:
    """The modules of the group `system`: they want libraries of the distribution."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    names = {re.split("[^A-Za-z0-9_.-]", each)[0].lower() for each in groups["system"]}
    return {
        module
        for module, distributions in packages_distributions().items()
        if names & {each.lower() for each in distributions}
    }


def collected(where: Path, *, refused: set[str], tests: Path) -> tuple[int, str]:
    """Collect with neither a program nor one of the `refused` modules in reach."""
    (where / "refusing.py").write_text(REFUSING.format(modules=refused))
    options = ["--collect-only", "-q", "-p", "refusing", "-p", "no:cacheprovider"]
    environment = {"PYTHONPATH": os.fspath(where), "PATH": os.fspath(where)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tests],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_no_module_wants_at_collection_what_a_bare_machine_lacks(
    tmp_path: Path,
) -> None:
    refused = of_system_tests_only()
    assert "fuse" in refused
    status, said = collected(tmp_path, refused=refused, tests=ROOT / "tests")
    assert status == 0, said[-3000:]


def test_a_module_that_does_is_noticed(tmp_path: Path) -> None:
    careless = tmp_path / "test_careless.py"
    careless.write_text("import fuse\n")
    status, said = collected(tmp_path, refused={"fuse"}, tests=careless)
    assert status != 0
    assert "fuse is not to be had" in said
