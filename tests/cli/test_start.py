"""Starting up: a verb imports its own module and no more than it needs.

What is imported is what starting costs, whatever the machine; the clock is looked at
by `make bench`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from kpcmd.registry import VERBS
from support.cli import Cluster, copy, template

# What `kp status`, `kp log` and `kp node list` have no use for.
HEAVY = {
    "pydantic",
    "kpstore.model.documents",  # pydantic models
    "kpstore.site.opened",  # what writers need
    "kpstore.loaders.boot_menu",
    "kpstore.targets.contract",
    "kpstore.targets.registry",
    "kpstore.targets.tftp.target",
    "kpstore.targets.tree.target",
    "kpstore.disk.locks",
    "filelock",
    "dulwich.repo",
    "dulwich.porcelain",
    "ClusterShell",
    "rich.console",
    "tarfile",
    "pefile",
    "zstandard",
}
# Nor have `kp node show`, `kp why` and `kp plan`, which read models.
HEAVY_BESIDE_MODELS = {
    "kpstore.discovery.image_tree",
    "kpstore.discovery.own_loader",
    "kpstore.disk.locks",
    "kpstore.kernels.gather",
    "kpstore.loaders.foreign",
    "kpstore.operations.rollback",
    "kpstore.queries.doctor.examine",
    "filelock",
    "dulwich.repo",
    "pefile",
    "rich.console",
}
# What each reads of kp itself, at most: a module is half a millisecond.
MODULES = {
    "status": 130,
    "log -n 20": 75,
    "node list": 70,
    "node show n01": 125,
    "why n01": 190,
    "plan": 250,
}
PROBE = """
import sys
from kpcmd.app import main
status = main(sys.argv[1:])
print("\\0".join(sys.modules), file=sys.stderr)
sys.exit(status)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    where = tmp_path_factory.mktemp("start") / "cluster"
    return copy(template(tmp_path_factory.getbasetemp()), where)


def imported(site: Path, *argv: str) -> set[str]:
    """Return the modules that a kp process of its own has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "--site", str(site), *argv],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.rstrip("\n").rpartition("\n")[2].split("\0"))


@pytest.mark.parametrize("words", ["status", "log -n 20", "status --json", "node list"])
def test_what_is_looked_at_often_imports_nothing_heavy(made: Cluster, words: str):
    found = imported(made.site, *words.split())
    assert "kpstore.site.reader" in found
    assert not found & HEAVY


@pytest.mark.parametrize("words", ["node show n01", "why n01", "plan"])
def test_what_reads_models_imports_no_writer(made: Cluster, words: str):
    found = imported(made.site, *words.split())
    assert "kpstore.model.documents" in found
    assert not found & HEAVY_BESIDE_MODELS


@pytest.mark.parametrize("words", MODULES)
def test_a_verb_that_reads_imports_few_modules(made: Cluster, words: str):
    found = imported(made.site, *words.split())
    ours = {name for name in found if name.startswith(("kpcmd", "kpstore"))}
    assert len(ours) <= MODULES[words]


def test_a_verb_imports_no_other_verb(made: Cluster):
    found = imported(made.site, "status")
    commands = {name for name in found if name.startswith("kpcmd.commands.")}
    assert commands == {"kpcmd.commands.status"}


def test_help_imports_no_verb_at_all(made: Cluster):
    found = imported(made.site, "--help")
    assert not {name for name in found if name.startswith("kpcmd.commands.")}
    assert not {name for name in found if name.startswith("kpstore.history")}


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_where_the_registry_says(made: Cluster, name: str):
    shown = made.kp(name, "--help").out
    assert shown.startswith(f"Usage: kp {name} ")


def test_a_list_with_a_draft_or_a_node_set_shows_it_all_the_same(made: Cluster):
    plain = made.json("node", "list")
    assert made.json("node", "list", "n[01-40]") == plain
    made.kp("node", "set", "n07", "--image", "none", user="bob")
    drafted = made.kp("node", "list", "--json", user="bob").json
    assert [each["name"] for each in drafted] == [each["name"] for each in plain]
    assert [each["image"] for each in drafted if each["name"] == "n07"] == [None]
    assert made.json("node", "list") == plain
