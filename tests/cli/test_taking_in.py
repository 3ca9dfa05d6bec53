"""`kp kernel add` says what it takes in before it copies; modules can be left out.

(R20: kernels are taken in from files.)
"""

from pathlib import Path

import pytest

from kpcmd.demo.cluster import OLD
from support.cli import Cluster, copy, run, template

ADD = ("kernel", "add", "web", "--installed", OLD, "--name", "small")


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def test_sizes_are_said_before_anything_is_copied(made: Cluster) -> None:
    tree = made.tree("web")
    kernel = (tree / f"boot/vmlinuz-{OLD}").stat().st_size
    folder = tree / f"lib/modules/{OLD}"
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    said = run(made.site, *ADD).err.splitlines()[0]
    assert said.startswith(f"taking in kernel {kernel:,} bytes, initrd ")
    assert f"modules {size:,} bytes in {len(files)} files" in said
    assert said.endswith(f": into the store of {made.site}")


def test_a_dry_run_says_what_it_would_take_in(made: Cluster) -> None:
    assert run(made.site, *ADD, "-n").err.startswith("would take in kernel ")


def test_a_kernel_without_its_modules(made: Cluster) -> None:
    said = made.kp(*ADD, "--no-modules", "-m", "the image has them").err
    assert "modules" not in said.splitlines()[0]
    kernel = made.json("kernel", "show", "web", "small")
    assert kernel["artifacts"]["modules"] is None
    assert kernel["artifacts"]["initrd"]


def test_modules_are_given_or_left_out(made: Cluster) -> None:
    words = ("kernel", "add", "web", "--files", "k", "--modules", "m", "--no-modules")
    refused = run(made.site, *words)
    assert refused.status == 2
    assert "--modules and --no-modules contradict each other" in refused.err
