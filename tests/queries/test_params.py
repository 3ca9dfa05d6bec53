"""`kp params explain`: how a line is read, token by token."""

import pytest

from kpstore.errors import InvalidInput
from kpstore.model.params.rules import Rules
from kpstore.queries.params import read_line


def kinds(line: str, rules: Rules) -> list[tuple[str, str, str]]:
    return [(each.token, each.key, each.kind) for each in read_line(rules, line)]


def test_each_token_has_key_kind_and_source() -> None:
    line = "root=/dev/sda1 ro rd.lvm.lv=vg/root rcu-nocbs=1 mine=1 own=2"
    assert kinds(line, Rules(2, append=["own"])) == [
        ("root=/dev/sda1", "root", "replace"),
        ("ro", "ro", "together"),
        ("rd.lvm.lv=vg/root", "rd.lvm.lv", "append"),
        ("rcu-nocbs=1", "rcu_nocbs", "replace"),
        ("mine=1", "mine", "replace"),
        ("own=2", "own", "append"),
    ]
    found = read_line(Rules(2, append=["own"]), line)
    assert found[1].together == ("ro", "rw")
    assert "dracut.cmdline(7)" in found[2].source
    assert "no row names it" in found[4].source
    assert found[5].source == "this site's settings"


def test_marks_and_what_is_for_init_and_for_loaders() -> None:
    line = "quiet --- console=ttyS0 initrd=x -- quiet single"
    assert [kind for _, _, kind in kinds(line, Rules(2))] == [
        *("replace", "mark", "append", "loader", "mark", "init", "init")
    ]


def test_by_table_1() -> None:
    line = "console=tty0 rd.lvm.lv=a"
    rules = Rules(1, repeatable=["console"])
    assert [kind for _, _, kind in kinds(line, rules)] == ["append", "replace"]
    assert "table 1" in read_line(rules, line)[0].source


@pytest.mark.parametrize("token", ["a={b}", "a=b\\c", "a`b", "=x", 'a="b'])
def test_what_is_outside_the_grammar_is_named(token: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_line(Rules(2), f"quiet {token}")
    assert repr(token)[1:-1] in caught.value.message
    assert caught.value.hint
