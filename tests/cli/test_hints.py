"""What hints tell a person to type can be typed: every verb and every option exists.

Looked at is every `hint=` and every `mend` of the source, f-strings with X for what is
filled in.
"""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from itertools import pairwise
from typing import NamedTuple

import pytest
import typer

from kpcmd.frame import GLOBAL
from kpcmd.registry import VERBS
from support.sources import product

COMMAND = re.compile(r"\bkp ([a-z]+)\b")
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
# Prose after `kp`; then options of other programs.
PROSE = {"site", "takes", "is", "alone", "decides", "reads", "wrote"}
OTHERS = re.compile(r"\bgit |\brm -f X|\bX log -p|in\.tftpd |\b(usermod|chmod) ")
LEAVE_OUT = re.compile("or leave out -m")  # said by every edit that takes one
# Options that stand without their verb, and the verbs that can say so.
ALONE = {
    "--force": [
        *("commit", "default", "revert", "entry add", "entry set"),
        *("image add", "image set", "kernel add"),
    ],
    "--future": ["group add", "group set"],
    "--unlock": ["commit", "revert", "next", "default", "entry set", "node set"],
    "--force-mismatch": ["kernel add", "image add"],
    "--replace": ["kernel add"],
    "--name": ["kernel add"],
    "--files": ["kernel add"],
    "--initrd": ["kernel add"],
    "--modules": ["kernel add"],
    "--installed": ["kernel add"],
    "--xen": ["entry add", "entry set"],
    "--kernel": ["entry add"],
    "--remove-param": ["image set", "entry set", "group set", "node set", "next"],
    "--without-param": ["entry set", "group set", "node set", "next"],
    "--params-table": ["site set"],
    "--together": ["site set"],
    "--var": ["node add", "node set"],
    "--arch": ["image add"],
    "--tree": ["image add"],
    "--format": ["node import"],
    "--kind": ["target add"],
    "--image": ["target add"],
    "--tftp": ["doctor"],
    "-m": ["commit", "good", "bad", "revert", "entry set", "node import", "target rm"],
}


class Hint(NamedTuple):
    where: str
    text: str


def hints() -> Iterator[Hint]:
    """Yield every hint of the source."""
    for module in product():
        for node in ast.walk(module.tree):
            for text in _texts(node):
                yield Hint(f"{module.where}:{getattr(node, 'lineno', 0)}", text)


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.keyword) and node.arg == "hint":
        yield from _strings(node.value)
    elif isinstance(node, ast.Assign):
        names = {each.id for each in node.targets if isinstance(each, ast.Name)}
        if names & {"mend", "hint", "_HINT", "_FOREIGN"}:
            yield from _strings(node.value)
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        if node.target.id in ("_HINT", "_FOREIGN", "_MENDS", "_CONDITIONS"):
            yield from _strings(node.value)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
        yield from (text for each in node.args[3:] for text in _strings(each))


def _strings(node: ast.AST | None) -> Iterator[str]:
    """Yield the texts in an expression; what is filled in is X."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "X"
            for part in node.values
        )
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif node is not None:
        for child in ast.iter_child_nodes(node):
            yield from _strings(child)


@lru_cache
def options(words: str) -> frozenset[str]:
    """Return the options of a verb, the global ones too."""
    found = _command(words)
    assert found is not None
    params = [*found.params, *GLOBAL]
    return frozenset(
        option
        for each in params
        for option in (*each.opts, *each.secondary_opts)
        if option.startswith("-")
    )


def _command(words: str) -> typer.core.TyperCommand | None:
    name, _, verb = words.partition(" ")
    if name not in VERBS:
        return None
    app = import_module(f"kpcmd.commands.{VERBS[name].module}").apps[name]
    command = typer.main.get_command(app)
    if not isinstance(command, typer.core.TyperGroup):
        return command
    return command.get_command(None, verb)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command that a hint names and what follows; "" is no command."""
    at = [0, *(m.start() for m in COMMAND.finditer(text)), len(text)]
    for begin, end in pairwise(at):
        part = text[begin:end]
        found = COMMAND.match(part)
        words = re.findall(r"[\w-]+", part)[1:3]
        if found is None or (found[1] in PROSE and not _command(" ".join(words))):
            yield "", part
            continue
        noun = words[0] in VERBS and _command(words[0]) is None
        yield " ".join(words if noun else words[:1]), part


def wrong(text: str) -> list[str]:
    """Return what a hint names and kp doesn't have."""
    missing = []
    for words, part in _parts(text):
        if words and _command(words) is None:
            missing.append(f"kp {words}")
            continue
        ours = "" if OTHERS.search(part) else LEAVE_OUT.sub("", part)
        for option in OPTION.findall(ours):
            verbs = [words] if words else ALONE.get(option, [])
            if option == "--site":  # every verb takes it
                continue
            if not verbs or any(option not in options(verb) for verb in verbs):
                missing.append(f"{option} of kp {words or verbs or '?'}")
    return missing


def test_hints_are_found():
    found = {hint.text for hint in hints()}
    assert len(found) > 60
    assert "kp publish finishes it" in found
    assert "if it is meant: --force REASON" in found


# What a person asked wrongly says what to do instead. Not told by these: what is caught
# and told anew, with a hint, by who asked; what reads back kp's own files, of which
# `kp doctor` is told; what only a mistake in kp brings about.
ASKED_WRONGLY = {"InvalidInput", "NotFound", "Refused", "NeedsConfirmation", "Conflict"}
TOLD_ANEW = (
    *("kpstore/loaders/", "kpstore/targets/", "kpstore/history/drafts.py"),
    "kpstore/disk/beneath.py",
    *(f"kpstore/formats/{name}.py" for name in ("cpio", "lz4", "compression")),
    *(f"kpstore/formats/{name}.py" for name in ("initrd", "kernel", "xen", "vermagic")),
)


def test_who_asked_wrongly_is_told_what_to_do():
    bare = [
        f"{module.where}:{node.lineno}"
        for module in product()
        if not module.where.startswith(TOLD_ANEW)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in ASKED_WRONGLY
        and not any(each.arg == "hint" for each in node.keywords)
    ]
    assert bare == []


def test_what_a_hint_names_exists():
    assert {h: wrong(h.text) for h in hints() if wrong(h.text)} == {}


@pytest.mark.parametrize(
    "text",
    [
        "kp mend it",
        "kp entry paint",
        "kp discard --without X",
        "--without X",
        "kp good -x",
    ],
)
def test_what_does_not_exist_is_noticed(text: str):
    assert wrong(text)


@pytest.mark.parametrize(
    "text", ["kp site in X", "kp entry set X --add-param", "kp log --image X, or wait"]
)
def test_what_exists_is_let_be(text: str):
    assert wrong(text) == []
