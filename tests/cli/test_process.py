"""kp as a process: signals, pipes, completion, a mistake of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.cli import Cluster, copy, digest, template

KP = (sys.executable, "-m", "kpcmd")


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def environment(made: Cluster, **more: str) -> dict[str, str]:
    return {**os.environ, "KP_SITE": str(made.site), "KP_USER": "ann", **more}


@contextmanager
def started(made: Cluster, *argv: str, code: str = "") -> Iterator[subprocess.Popen]:
    """Run kp, or `code` that runs it, as a process in its own group."""
    words = [sys.executable, "-c", code, *argv] if code else [*KP, *argv]
    process = subprocess.Popen(
        words,
        env=environment(made),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# A kp that stops until its stdin is closed: before the commit point at its checks, or
# at the very moment when main has moved.
STOPS = """
import sys
from kpcmd.app import main
from kpstore.operations.proposal import Proposal
from kpstore.operations.transaction import Transaction

def stopping(cls, name, after):
    real = getattr(cls, name)
    def stop(self, *args, **more):
        result = real(self, *args, **more) if after else None
        print("here", flush=True)
        sys.stdin.read()
        return result if after else real(self, *args, **more)
    setattr(cls, name, stop)

if sys.argv[1] == "before":
    stopping(Proposal, "check", False)
else:
    stopping(Transaction, "_advance", True)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_before_the_commit_point_changes_nothing(
    made: Cluster, number: int, status: int
):
    before, main = made.served(), made.main()
    argv = ("before", "image", "set", "web", "--params", "quiet", "-m", "why")
    with started(made, *argv, code=STOPS) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(number)
        _, err = process.communicate()
    assert process.returncode == status
    assert err.splitlines()[-1] == "kp: interrupted: nothing changed"
    assert made.main() == main
    assert made.served() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_commit_point_is_held_back(made: Cluster, number: int):
    main = made.main()
    argv = ("after", "image", "set", "web", "--params", "quiet", "-m", "why")
    with started(made, *argv, code=STOPS) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert "20 nodes boot differently" in out
    assert made.main() != main
    assert {line["condition"] for line in made.json("status")["targets"]} == {"live"}


@pytest.mark.parametrize("words", ["node list", "status --json", "log"])
def test_a_reader_that_goes_away_is_no_error(made: Cluster, words: str):
    """`true` has gone long before kp prints."""
    script = f"{' '.join((*KP, *words.split()))} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment(made),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0\n"
    assert done.stderr == ""


def test_a_commit_whose_reader_goes_away_is_committed_and_0(made: Cluster):
    words = "image set web --params quiet -m why"
    script = f"{' '.join((*KP, *words.split()))} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], env=environment(made), capture_output=True, check=True
    )
    assert done.stdout == b"0\n"
    assert made.json("log", "-n", "1")[0]["subject"] == "why"


def complete(made: Cluster, shell: str, *words: str) -> list[str]:
    """Return what a shell is offered for the last word, by typer's own protocol."""
    line = " ".join(("kp", *words))
    given = {"_KP_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        given |= {"COMP_WORDS": line.replace(" ", "\n"), "COMP_CWORD": str(len(words))}
    else:
        given |= {
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("kp"))],
        env=environment(made, **given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("rollb", "rollback"),
        ("image show we", "web"),
        ("entry show web prod", "production"),
        ("kernel show web 6.1", "6.1.0-28"),
        ("why n0", "n07"),
        ("show r", "r2"),
        ("publish web-", "web-tree"),
        ("group show ra", "rack2"),
        ("commit --without boo", "boot1"),
        ("entry add web x --kernel 6", "6.1.0-28"),
    ],
)
def test_names_are_completed(made: Cluster, shell: str, words: str, offered: str):
    found = complete(made, shell, *words.split())
    assert any(offered in each for each in found)


def test_conflicts_are_completed(made: Cluster):
    made.kp("image", "set", "web", "--params", "a=1")
    made.kp("image", "set", "web", "--params", "a=2", "-m", "bob's", user="bob")
    assert complete(made, "bash", "resolve", "im") == ["image/web/params"]
    assert complete(made, "bash", "resolve", "x") == []


def test_where_there_is_no_site_nothing_is_offered(made: Cluster, tmp_path: Path):
    lost = Cluster(tmp_path / "nowhere")
    assert complete(lost, "bash", "image", "show", "w") == []


BREAKS = """
import sys
from kpcmd.app import main
from kpstore.site.reader import SiteReader

def broken(self):
    raise ZeroDivisionError("a mistake")

SiteReader.tip = broken
sys.exit(main(sys.argv[1:]))
"""


def test_a_mistake_of_kp_is_one_line_and_kept(made: Cluster):
    with started(made, "status", code=BREAKS) as process:
        out, err = process.communicate()
    assert process.returncode == 1
    assert out == ""
    first, hint = err.splitlines()
    assert first == "kp: unexpected: ZeroDivisionError: a mistake"
    assert hint.startswith("hint: this is a mistake in kp; the traceback is in ")
    kept = (made.site / "cache/errors.log").read_text("utf-8")
    assert "kp status" in kept
    assert "in broken" in kept


def test_a_mistake_shows_its_traceback_with_v(made: Cluster):
    with started(made, "status", "-v", code=BREAKS) as process:
        _, err = process.communicate()
    assert "in broken" in err


def test_what_kp_prints_to_a_file_has_no_colours(made: Cluster):
    done = subprocess.run(
        [*KP, "status"], env=environment(made), capture_output=True, check=True
    )
    assert b"\x1b" not in done.stdout + done.stderr


def test_two_writers_wait_for_each_other(made: Cluster):
    """Both land: the second says what it waits for, and for whom."""
    argv = ("after", "image", "set", "web", "--params", "quiet", "-m", "first")
    with started(made, *argv, code=STOPS) as process:
        assert process.stdout.readline() == "here\n"
        with started(made, "image", "set", "db", "--params=quiet", "-msecond") as late:
            assert "ann" in late.stderr.readline()
            process.communicate()
            late.communicate()
    assert (process.returncode, late.returncode) == (0, 0)
    subjects = [each["subject"] for each in made.json("log", "-n", "2")]
    assert subjects == ["second", "first"]
    assert digest(made.tftp)
