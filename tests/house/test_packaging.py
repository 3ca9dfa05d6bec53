"""What is installed: two packages, one command, nothing else."""

import subprocess
import sys
import zipfile
from email.parser import Parser

import pytest

from support.manual import shared
from support.sources import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel with the backend that requirements.lock pins: no network."""
    where = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", where],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = where.iterdir()
    return zipfile.ZipFile(built)


def test_it_holds_the_two_packages_and_its_own_record(wheel: zipfile.ZipFile):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    (record,) = [name for name in tops if name.endswith(".dist-info")]
    (data,) = [name for name in tops if name.endswith(".data")]
    assert tops == {"kpstore", "kpcmd", record, data}


def test_man_page_and_completions_are_installed_below_share(wheel: zipfile.ZipFile):
    names = {name.partition(".data/data/share/")[2] for name in wheel.namelist()}
    assert names - {""} == {str(where) for where in shared()}


def test_it_holds_every_module(wheel: zipfile.ZipFile):
    sources = {
        str(path.relative_to(base))
        for base, package in ((ROOT, "kpstore"), (ROOT / "cli", "kpcmd"))
        for path in (base / package).rglob("*.py")
    }
    assert sources == {name for name in wheel.namelist() if name.endswith(".py")}


def test_the_library_is_typed(wheel: zipfile.ZipFile):
    assert "kpstore/py.typed" in wheel.namelist()


def test_it_installs_one_command(wheel: zipfile.ZipFile):
    (entries,) = [n for n in wheel.namelist() if n.endswith("/entry_points.txt")]
    assert wheel.read(entries).decode().split("\n", 1) == [
        "[console_scripts]",
        "kp = kpcmd.__main__:run\n",
    ]


def test_tools_of_the_house_are_no_requirements(wheel: zipfile.ZipFile):
    (metadata,) = [n for n in wheel.namelist() if n.endswith("/METADATA")]
    fields = Parser().parsestr(wheel.read(metadata).decode())
    names = {each.split(">")[0] for each in fields.get_all("Requires-Dist", [])}
    assert names == {
        "clustershell",
        "dulwich",
        "filelock",
        "pefile",
        "pydantic",
        "typer",
        "zstandard",
    }


def test_the_lock_pins_and_hashes_and_names_no_host():
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pins
    assert all("==" in line and line.endswith("\\") for line in pins)
    assert not [line for line in lines if "://" in line or line.startswith("-")]
