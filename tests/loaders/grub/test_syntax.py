"""What GRUB takes for a script, and what it refuses."""

import shutil
import subprocess
from pathlib import Path

import pytest

from kpstore.errors import InvalidInput
from kpstore.loaders.grub.syntax import For, Function, If, While, parse, parse_file

TAKEN = [
    *("a", "a b c", "a;b", "a; b\n\nc", "\n\na\n", "a #b", "a b#c", "a=b", '"if" a'),
    *("x if then fi", "set a = b", "! a", "a ${10} $# $* $@ $?", 'a $"x $y"'),
    *("if a; then b; fi", "if a\nthen\nb\nfi", "if ! a; then b; fi", "a \\\nb"),
    "if a; then b; elif c; then d; elif e; then f; else g; fi; h",
    *("a { b }", "a { b; }", "a { b;\n\n\n }", "a b{c}", "menuentry 'x' {\n\ta\n}"),
    *("for i in a b; do c; done", "for i in; do c; done", "while a; do b; done"),
    *("until a; do b; done", 'a "x\ny"', "a 'x\n#y\nz'", 'a "\\x"', "a $b$c'd'"),
    *(
        "function f { a; }\nf",
        "function f\n{\na\n}\nf",
        "if if a; then b; fi; then c; fi",
    ),
    *("a\\\n", "a\\ b", "a '{' \"}\"", "a -- [ ]", "[ -f a ]", "a b\\;c"),
]
REFUSED = [
    *("menuentry b { }", "menuentry b {\n# c\n}", "a$", 'a "$"', "a $-", "a ${x y}"),
    *(";", "a;;b", "a; ;b", "a && b", "a || b", "a | b", "a > b", "a < b", "a & b"),
    *("if a; then fi", "if a; fi", "if a; then b", "if a then b; fi", "then", "in a"),
    *("if a; then b; fi c", "if a; then b fi", "if a; then b; else fi", "fi", "done"),
    *("function f { a }\nf", "function f-g { a; }\nf", "function f { }\nf"),
    "if a; then function f { b; }; fi",
    *("function f { function g { a; }; }\nf", "a { b; } c", "a }", "{ a; }", "a { b"),
    *(
        "[[ a ]]",
        "a 'b",
        'a "b',
        "a b\\",
        "for a; do b; done",
        "for 1 in a; do b; done",
    ),
    *("while a; do done", "while a do b; done", "for i in a do b; done", "case a"),
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_grub_takes(text: str) -> None:
    assert parse(text + "\n")


@pytest.mark.parametrize("text", REFUSED)
def test_what_grub_refuses(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text + "\n")


@pytest.mark.system
@pytest.mark.parametrize(
    ("text", "fine"), [*((t, True) for t in TAKEN), *((t, False) for t in REFUSED)]
)
def test_grub_says_the_same(text: str, fine: bool, tmp_path: Path) -> None:
    tool = shutil.which("grub-script-check")
    assert tool, "grub-script-check is missing: tests/support/rig/install-packages"
    script = tmp_path / "script"
    script.write_text(text + "\n")
    assert (subprocess.run([tool, script], check=False).returncode == 0) == fine


def test_the_shape_of_a_script() -> None:
    script = parse(
        "function f { a; }\n"
        "if a; then b; c; elif d; then e; else g; fi\n"
        "until a; do b; done\n"
        "for i in 1 2; do b; done\n"
    )
    function, branches, loop, each = script
    assert isinstance(function, Function)
    assert function.name == "f"
    assert isinstance(branches, If)
    assert [len(body) for _, body in branches.branches] == [2, 1]
    assert len(branches.otherwise) == 1
    assert isinstance(loop, While)
    assert loop.until
    assert isinstance(each, For)
    assert (each.name, len(each.words)) == ("i", 2)


def test_lines_of_comment_and_returns_are_none_of_a_file() -> None:
    assert parse_file("a 'b\n#c\nd'\r\n# e {\n") == parse("a 'b\nd'\n")


def test_how_long_it_is_is_bounded() -> None:
    with pytest.raises(InvalidInput, match="more than 100,000 words"):
        parse("a;" * 100_000)


def test_how_deep_it_goes_is_bounded() -> None:
    assert parse("if a; then " * 20 + "b; " + "fi; " * 20)
    with pytest.raises(InvalidInput, match="nested more than 32 deep"):
        parse("if a; then " * 40 + "b; " + "fi; " * 40)
    with pytest.raises(InvalidInput, match="nested more than 32 deep"):
        parse("a { " * 40_000)
