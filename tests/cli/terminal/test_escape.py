"""What comes from outside is printed so that it is seen, and does nothing else."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpcmd.app import main
from kpcmd.context import World
from kpcmd.terminal.escape import ascii_json, visible, visible_json
from kpcmd.terminal.output import Output
from support.cli import Cluster, Result, copy, run, template
from support.gitclient import ENVIRONMENT

# Colours, a title, a screen cleared by one character, a line turned around.
EVIL = "\x1b[31mred\x1b]0;t\x07\x9b2J\u202egood\r"
LINES = f"{EVIL}\nkp: all is well\nhint: rm -rf /"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    where = tmp_path_factory.mktemp("escape") / "cluster"
    return copy(template(tmp_path_factory.getbasetemp()), where)


def is_seen(text: str) -> bool:
    """Tell whether a terminal shows every character where it stands."""
    return all(
        each in "\n\t" or each.isprintable() or each in "\u00a0\u200d" for each in text
    )


def check(ended: Result, *, as_json: bool = False) -> None:
    assert is_seen(ended.out), ended.out
    assert is_seen(ended.err), ended.err
    assert "Traceback" not in ended.err
    for line in (ended.out + ended.err).splitlines():
        assert line not in ("kp: all is well", "hint: rm -rf /")
    assert "mistake in kp" not in ended.err, ended
    if as_json:
        json.loads(ended.out)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("Gr\u00fc\u00dfe \u65e5\u672c \u0939\u093f\u0902 \u05d0\u05d1", None),
        ("a\tb", None),
        ("1\u00a0000 \U0001f469\u200d\U0001f680", None),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\rc", "a\\nb\\rc"),
        ("\x7f\x85\x9b", "\\x7f\\x85\\x9b"),
        ("\u202e\u2028\u2066\ufeff", "\\u202e\\u2028\\u2066\\ufeff"),
        ("\udcff", "\\udcff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_is_written_out(text: str, expected: str | None):
    assert visible(text) == (text if expected is None else expected)


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_is_seen_and_any_json_keeps_its_value(text: str):
    shown = visible(text)
    assert not set(shown) & set("\x1b\r\n\x9b\u202e\u2066")
    assert not any("\ud800" <= each <= "\udfff" for each in shown)
    written = json.dumps({text: [text]}, ensure_ascii=False, indent=2)
    for form in (visible_json, ascii_json):
        assert json.loads(form(written)) == {text: [text]}
    assert ascii_json(written).isascii()
    visible_json(written).encode()


def test_only_what_kp_itself_colours_is_coloured(capsys: pytest.CaptureFixture[str]):
    out = Output(colour=True)
    out.answer(None, [f"{out.paint('good')} \x1b[32mfine\x1b[0m \x1b[2J", "plain"])
    said = capsys.readouterr().out
    assert said == "\x1b[32mgood\x1b[0m \\x1b[32mfine\\x1b[0m \\x1b[2J\nplain\n"
    Output().answer(None, [Output(colour=True).paint("good")])
    assert "\x1b" not in capsys.readouterr().out


def test_a_message_has_lines_and_none_begins_like_one_of_kp_s(
    capsys: pytest.CaptureFixture[str],
):
    Output().fail({}, f"two\n{EVIL}\nhint: no", "look\nkp: there")
    assert capsys.readouterr().err == (
        f"kp: two\n  {visible(EVIL)}\n  hint: no\nhint: look\n  kp: there\n"
    )


# --- everything that has words from outside, on a site of its own

PUSHER = {**ENVIRONMENT, "KP_PUSHER": "ann"}
IMAGE = '{"arch": "x86_64", "evil\\u001b[31m\\u202e": 1}\n'
VERDICT = {
    "verdict": "bad",
    "by": f"ann{EVIL[-8:-1]}",
    "since": "2026-11-20T14:00:00Z",
    "revision": "r1",
    "reason": "\u202egood\x9b2J",
    "kin": "0" * 32,
    "images": {"web": "r1"},
    "evidence": {},
}


def _push(made: Cluster, path: str, text: str) -> None:
    """Push a draft for ann, as a git client of any age may."""
    clone = made.where / "clone"
    git = ("git", "-c", f"user.name={EVIL.strip()}", "-C", str(clone))
    source = str(made.site / "state.git")
    subprocess.run(["rm", "-rf", str(clone)], check=True)
    for words in (
        ("git", "clone", "-q", source, str(clone)),
        (*git, "checkout", "-q", "--detach"),
    ):
        subprocess.run(words, env=ENVIRONMENT, check=True, capture_output=True)
    file = clone / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    for words in (
        ("add", "-A"),
        ("commit", "-q", "-m", LINES),
        ("push", "-q", "--force", "origin", "HEAD:refs/kp/drafts/ann"),
    ):
        subprocess.run((*git, *words), env=PUSHER, check=True, capture_output=True)


def pushed_key(made: Cluster) -> None:
    _push(made, "images/new/image.json", IMAGE)


def pushed_path(made: Cluster) -> None:
    _push(made, f"images/{EVIL}/image.json", IMAGE)


def pushed_verdict(made: Cluster) -> None:
    _push(made, f"verdicts/00/{'0' * 32}.json", json.dumps(VERDICT, indent=2))


def root_with_a_name(made: Cluster) -> None:
    toml = made.site / "kp.toml"
    path = json.dumps(str(made.where / LINES)).replace("\x7f", "\\u007f")
    text = toml.read_text("utf-8").replace("[roots]", f"[roots]\nboot9 = {path}")
    toml.write_text(text.replace(f'"{made.tftp}"', path), "utf-8")


def key_in_kp_toml(made: Cluster) -> None:
    with (made.site / "kp.toml").open("a", encoding="utf-8") as file:
        file.write('\n["\\u001b[31m\\u202e\\nkp: all is well"]\n')


def foreign_files(made: Cluster) -> None:
    for folder in ("kp/objects", "kp/menus", "pxelinux.cfg", "kp"):
        (made.tftp / folder / LINES.replace("/", "_")).write_text("x", "utf-8")
        os.close(os.open(os.fsencode(made.tftp / folder) + b"/\xff\x1b", os.O_CREAT))


def tree_with_words(made: Cluster) -> None:
    tree = made.tree("lone")
    subprocess.run(["cp", "-a", made.tree("db"), tree], check=True)
    grub = tree / "boot/grub/grub.cfg"
    text = grub.read_text("utf-8")
    grub.write_text(f"{EVIL} frob\n" + text.replace("panic", f"{EVIL}x panic"), "utf-8")


FILES = f"odd{EVIL}.csv"
CASES: list[tuple[Callable[[Cluster], None] | None, str, list[list[str]]]] = [
    (pushed_key, "pushed key", [["plan"], ["status"], ["commit", "-m", "x"]]),
    (pushed_path, "pushed path", [["plan"], ["node", "list"], ["diff"]]),
    (pushed_verdict, "pushed verdict", [["diff"], ["plan"], ["commit", "-m", "x"]]),
    (root_with_a_name, "kp.toml path", [["status"], ["target", "list"], ["publish"]]),
    (key_in_kp_toml, "kp.toml key", [["target", "list"], ["status"], ["doctor"]]),
    (foreign_files, "TFTP files", [["verify"], ["publish"], ["status"], ["gc"]]),
    (
        tree_with_words,
        "image tree",
        [["image", "add", "lone", "--tree", "images/lone", "-n"]],
    ),
    (
        None,
        "arguments",
        [
            ["why", EVIL],
            ["why", "\udcff\x1b"],
            [EVIL],
            ["status", f"--{EVIL}"],
            ["status", EVIL],
            ["log", "--op", EVIL],
            ["log", "--since", EVIL],
            ["log", "-n", EVIL],
            ["show", LINES],
            ["node", "list", EVIL],
            ["group", "add", EVIL, "--nodes", "n01"],
            ["group", "add", "g", "--nodes", f"@{EVIL}"],
            ["entry", "set", "web", "production", "--add-param", EVIL, "-n"],
            ["node", "import", FILES, "--format", "csv"],
            ["node", "import", "\udcff", "--format", "csv"],
            ["node", "import", FILES, "--format", EVIL],
            ["kernel", "add", "web", "--files", FILES],
            ["--site", LINES, "status"],
            ["commit", "-m", LINES],
            ["commit", "--author", EVIL, "-m", "x"],
            ["image", "set", "web", "--params", "quiet", "-m", "\udcff"],
            ["target", "add", "t", "--kind", EVIL, "--root", EVIL, "--loader", EVIL],
        ],
    ),
]


@pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
@pytest.mark.parametrize("case", CASES, ids=[name for _, name, _ in CASES])
def test_nothing_from_outside_reaches_the_terminal_as_it_is(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[Callable[[Cluster], None] | None, str, list[list[str]]],
    as_json: bool,
):
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    monkeypatch.chdir(made.where)
    prepare, _, commands = case
    if prepare:
        prepare(made)
    evil = 0
    for words in commands:
        ended = run(made.site, *words, *(["--json"] if as_json else []))
        check(ended, as_json=as_json)
        evil += any(each in ended.out + ended.err for each in ("\\x1b", "\\u"))
    assert evil, "nothing of it was printed"


@pytest.mark.parametrize("editor", [f"/no/such/{EVIL}", "false \x1b[31m"])
def test_an_editor_s_name(
    made: Cluster, editor: str, capsys: pytest.CaptureFixture[str]
):
    made.kp("node", "set", "n01", "--add-param", "single")
    world = World(user="ann", host="head", site=made.site, terminal=True)
    assert main(["commit"], replace(world, editor=editor)) == 1
    made.kp("discard")
    assert is_seen(capsys.readouterr().err)


def test_the_editor_is_shown_no_colours(made: Cluster, tmp_path: Path):
    made.kp("node", "set", "n01", "--add-param", "single")
    shown = tmp_path / "shown"
    script = tmp_path / "editor"
    script.write_text(f'#!/bin/sh\ncp "$1" {shown}\n', "utf-8")
    world = World(user="ann", host="head", site=made.site, terminal=True, colour=True)
    assert main(["commit"], replace(world, editor=f"sh {script}")) == 1
    made.kp("discard")
    assert "boot1 (live)" in shown.read_text("utf-8")


def test_what_is_being_done_is_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    out = Output(line=replace(Output().line, width=200))
    out.doing(EVIL)
    with out.progress(EVIL) as step:
        step.add(10_000_000)
    assert is_seen(capsys.readouterr().err.replace("\r\x1b[K", ""))
