"""share/: the man page and completions are this kp's, and shells take them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import Cluster, copy, template
from support.manual import SHARE, shared

BASH = SHARE / "bash-completion/completions/kp"
FISH = SHARE / "fish/vendor_completions.d/kp.fish"
ZSH = SHARE / "zsh/site-functions/_kp"


@pytest.mark.parametrize("where", shared(), ids=str)
def test_it_is_as_the_command_says(where: Path) -> None:
    """`make reference` writes it anew."""
    assert (SHARE / where).read_text("utf-8") == shared()[where]


def test_nothing_else_lies_there() -> None:
    found = {path.relative_to(SHARE) for path in SHARE.rglob("*") if path.is_file()}
    assert found == set(shared())


def test_no_line_of_the_man_page_is_taken_for_a_request() -> None:
    text = shared()[Path("man/man1/kp.1")]
    requests = {line.split()[0] for line in text.splitlines() if line[:1] in (".", "'")}
    assert requests == {".TH", ".SH", ".SS", ".B", ".BR", ".TP", ".nf", ".fi"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    where = tmp_path_factory.mktemp("completion") / "cluster"
    return copy(template(tmp_path_factory.getbasetemp()), where)


COMPLETED = {
    "kp roll": ["rollback"],
    "kp image sh": ["show"],
    "kp image show ": ["db", "edge", "web"],
    "kp default web pro": ["production"],
    "kp kernel show web 6.1": ["6.1.0-28"],
    "kp node show n0": [f"n{number:02}" for number in range(1, 10)],
    "kp show r": ["r1", "r2", "r3"],
    "kp rollback web --to r1": ["r1"],
    "kp --site SITE image show w": ["web"],
    "kp image show nosuch": [],
}


def asked(made: Cluster, where: Path, words: list[str], *shell: str) -> str:
    """Return what a shell prints that knows kp by its name, and the site."""
    kp = where / "kp"
    kp.write_text(f'#!/bin/sh\nexec {sys.executable} -m kpcmd "$@"\n')
    kp.chmod(0o755)
    site = {} if "--site" in words else {"KP_SITE": str(made.site)}
    kept = {name: text for name, text in os.environ.items() if name != "KP_SITE"}
    done = subprocess.run(
        [*shell, *words],
        env={**kept, "PATH": f"{where}:{os.environ['PATH']}", **site},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize("line", COMPLETED)
def test_bash_completes(made: Cluster, tmp_path: Path, line: str) -> None:
    """In a real bash, as it calls the function at a TAB."""
    words = line.replace("SITE", str(made.site)).split(" ")
    script = (
        f'. {BASH}; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; '
        '_kp_completion kp; [ "${#COMPREPLY[@]}" = 0 ] || '
        """printf '%s\\n' "${COMPREPLY[@]}\""""
    )
    found = asked(made, tmp_path, words, "bash", "--norc", "-c", script, "bash")
    assert sorted(found.split()) == COMPLETED[line]


@pytest.mark.system
@pytest.mark.parametrize("line", COMPLETED)
def test_fish_completes(made: Cluster, tmp_path: Path, line: str) -> None:
    words = [line.replace("SITE", str(made.site))]
    script = f"source {FISH}; complete -C $argv[1]"
    found = asked(made, tmp_path, words, "fish", "--no-config", "-c", script)
    assert sorted(row.split("\t")[0] for row in found.splitlines()) == COMPLETED[line]


# A shell of its own at a pty: TAB, then a key that writes down what is typed by then.
AT_A_TAB = """
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell "fpath=({functions} \\$fpath); autoload -Uz compinit; compinit -u -D
seen() {{ print -r -- \\$BUFFER >{seen}.new; mv {seen}.new {seen} }}
zle -N seen; bindkey '^I' complete-word; bindkey '^X' seen"
zpty -w -n shell "$1"$'\\t\\x18'
until [[ -e {seen} ]] {{ zpty -r -t shell >/dev/null; sleep 0.05 }}
cat {seen}
"""


@pytest.mark.system
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "line", [each for each in COMPLETED if len(COMPLETED[each]) == 1]
)
def test_zsh_completes(made: Cluster, tmp_path: Path, line: str) -> None:
    words = [line.replace("SITE", str(made.site))]
    script = AT_A_TAB.format(functions=ZSH.parent, seen=tmp_path / "seen")
    found = asked(made, tmp_path, words, "zsh", "-f", "-c", script, "zsh")
    assert found.split()[-1] == COMPLETED[line][0]
