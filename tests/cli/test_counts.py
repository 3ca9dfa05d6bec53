"""What is counted is said in the right number, and nodes that change alike as one."""

from pathlib import Path

import pytest

from kpstore.model.folding import counted
from support.cli import Cluster, copy, template
from support.sources import product


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 nodes"), (1, "1 node"), (2_000, "2,000 nodes")]
)
def test_a_number_of_nodes(number: int, said: str) -> None:
    assert counted(number, "node") == said


def test_what_has_a_plural_of_its_own() -> None:
    assert counted(2, "entry", "entries") == "2 entries"


def test_nodes_that_changed_alike_are_one(made: Cluster) -> None:
    done = made.kp("node", "set", "n[01-20]", "--add-param", "single", "-m", "x")
    assert "20 nodes boot differently" in done.out
    shown = made.kp("show").out
    assert shown.count("n[01-20]") >= 1
    assert '20 nodes: n[01-20]\n  params: [] -> ["single"]\n' in shown
    assert "node n01\n" not in shown


def test_one_node_keeps_its_name(made: Cluster) -> None:
    done = made.kp("node", "set", "n01", "--add-param", "single", "-m", "x")
    assert "1 node boots differently" in done.out
    assert 'node n01\n  params: [] -> ["single"]\n' in made.kp("show").out


def test_nodes_that_changed_otherwise_are_not(made: Cluster) -> None:
    made.kp("node", "set", "n[01-02]", "--add-param", "single")
    made.kp("node", "set", "n03", "--add-param", "debug")
    said = made.kp("diff").out
    assert "2 nodes: n[01-02]\n" in said
    assert "node n03\n" in said


def test_json_has_every_node(made: Cluster) -> None:
    made.kp("node", "set", "n[01-20]", "--add-param", "single", "-m", "x")
    changes = made.json("show")["changes"]
    assert len({each["document"] for each in changes}) == 20


def test_next_boots_are_listed_by_node_set(made: Cluster) -> None:
    made.kp("next", "n[01-03]", "--entry", "production", "-m", "x")
    assert made.kp("next", "--list").out.splitlines()[1].startswith("n[01-03]  3 ")


def test_nobody_counts_nodes_or_files_by_another_way() -> None:
    """A number before a plural word of what there may be one of, in an f-string."""
    words = ("nodes", "files written", "artifacts", "edits", "differences", "commits")
    found = [
        f"{module.where}: {line.strip()}"
        for module in product()
        for line in module.path.read_text("utf-8").splitlines()
        if any(f"}} {word}" in line for word in words) and "bounds." not in line
    ]
    assert found == []
