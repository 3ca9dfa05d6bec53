"""A conflict, as a person meets it: shown with its base, settled, committed."""

from pathlib import Path

import pytest

from support.cli import Cluster, copy, template

FIRST = ("image", "set", "web", "--params")
NAME = "image/web/params"


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    made.kp(*FIRST, "root=/dev/sda1", "-m", "before")
    made.kp(*FIRST, "root=/dev/sdb1")
    made.kp("node", "set", "n01", "--var", "rack=r9")
    made.kp(*FIRST, "root=/dev/sdc1", "-m", "bob's", user="bob")
    return made


def params(made: Cluster) -> object:
    return made.json("image", "show", "web")["params"]


def test_diff_shows_base_main_and_mine_and_the_rest(made: Cluster):
    shown = made.kp("diff", expected=3)
    assert shown.out == (
        "image/web/params\n"
        '  base: ["root=/dev/sda1"]\n'
        '  main: ["root=/dev/sdc1"]\n'
        '  mine: ["root=/dev/sdb1"]\n'
        "node n01\n"
        '  vars: {} -> {"rack": "r9"}\n'
    )
    assert "kp resolve NAME --main, --mine or --value V" in shown.err
    conflict, rest = made.json("diff", expected=3)
    assert conflict == {
        "name": NAME,
        "document": "image web",
        "field": "params",
        "base": ["root=/dev/sda1"],
        "main": ["root=/dev/sdc1"],
        "mine": ["root=/dev/sdb1"],
    }
    assert (rest["document"], rest["field"]) == ("node n01", "vars")
    refused = made.kp("commit", "-m", "x", expected=3)
    assert "kp resolve settles it" in refused.err


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("--main",), "root=/dev/sdc1"),
        (("--mine",), "root=/dev/sdb1"),
        (("--value", "root=/dev/sdd1"), "root=/dev/sdd1"),
        (("--value", '["root=/dev/sde1"]'), "root=/dev/sde1"),
    ],
)
def test_it_is_settled_committed_and_live(
    made: Cluster, words: tuple[str, ...], value: str
):
    dry = made.kp("resolve", NAME, *words, "-n")
    assert dry.out == f'{NAME}: ["{value}"]\nno conflict would be left\n'
    made.kp("diff", expected=3)
    found = made.json("resolve", NAME, *words)
    said = {"name": NAME, "document": "image web", "field": "params"}
    assert found == {"resolved": [said | {"value": [value]}], "left": 0}
    made.kp("undo")
    made.kp("diff", expected=3)
    made.kp("resolve", NAME, *words)
    made.kp("commit", "-m", "settled")
    assert params(made) == [value]
    assert made.json("node", "show", "n01")["vars"]["rack"] == "r9"


def test_editing_the_field_again_settles_it_and_says_so(made: Cluster):
    dry = made.kp(*FIRST, "root=/dev/sdd1", "-n")
    again = made.kp(*FIRST, "root=/dev/sdd1")
    told = "settled: image web: params is root=/dev/sdc1 on main, root=/dev/sdd1 in"
    assert told in dry.err
    assert told in again.err
    made.kp("commit", "-m", "again")
    assert params(made) == ["root=/dev/sdd1"]


def test_what_is_no_conflict_is_refused(made: Cluster):
    refused = made.kp("resolve", "image/web/param", "--mine", expected=1)
    assert "did you mean 'image/web/params'?" in refused.err
    for words in (("--mine", "--main"), (), ("--value", "a", "--main")):
        made.kp("resolve", NAME, *words, expected=2)
    refused = made.kp("resolve", NAME, "--value", '"open', expected=1)
    assert "unbalanced quote" in refused.err
    made.kp("diff", expected=3)
    made.kp("resolve", NAME, "--main")
    refused = made.kp("resolve", NAME, "--main", expected=1)
    assert "your draft has no conflict with main" in refused.err
    refused = made.kp("resolve", NAME, "--mine", user="bob", expected=1)
    assert "no conflict" in refused.err
