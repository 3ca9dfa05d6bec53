"""The tracer and the sweep do to a run what they say, no more and no less."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from support.crash import faults, ptrace
from support.crash.faults import KILL, SHORT, SIGNALS, failing
from support.crash.parallel import WorkerError, in_processes
from support.crash.report import Report
from support.crash.script import Ack, Script
from support.crash.sweep import BrokenScriptError, list_points, sweep

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)

Operation = Callable[[Path, Ack], None]


def nothing_bad(_root: Path, _acks: list[str]) -> list[str]:
    return []


def script(
    operation: Operation, check: Callable[..., list[str]] = nothing_bad
) -> Script:
    return Script("test", lambda root: None, operation, check)


def seen(report: Report) -> list[tuple[str, int, str]]:
    return [(each.fault, each.point, each.wrong) for each in report.findings]


def three_steps(root: Path, ack: Ack) -> None:
    os.mkdir(root / "a")
    ack("a")
    os.symlink("a", root / "b")
    ack("b")
    os.rename(root / "b", root / "c")
    ack("c")


def tell(root: Path, acks: list[str]) -> list[str]:
    """Not a check: everything is a finding, so that a test can see it."""
    return [f"{sorted(os.listdir(root))} {''.join(acks)}"]


def clean_at_the_end(root: Path, acks: list[str]) -> list[str]:
    return [] if acks == ["a", "b", "c"] else tell(root, acks)


def test_points_are_the_changing_calls_in_order() -> None:
    def operation(root: Path, ack: Ack) -> None:
        (root / "x").read_bytes() if (root / "x").exists() else None
        with open(root / "x", "wb", buffering=0) as file:
            file.write(b"abcd")
            os.fsync(file.fileno())
        os.link(root / "x", root / "y")
        os.truncate(root / "y", 2)
        os.chmod(root / "y", 0o600)
        os.unlink(root / "x")
        print("to stdout, which is no file")
        os.write(2, b"nor is stderr")
        reader, writer = os.pipe()
        os.write(writer, b"nor is a pipe")
        assert os.read(reader, 3) == b"nor"

    points = list_points(script(operation))
    assert [point.text for point in points] == [
        "openat(x)",
        "write(x)",
        "fsync(x)",
        "link(y)",
        "truncate(y)",
        "chmod(y)",
        "unlink(x)",
    ]
    assert points[1].bytes == 4


def test_a_kill_comes_before_the_call_and_acks_are_exact() -> None:
    report = sweep(script(three_steps, clean_at_the_end), [KILL])
    assert seen(report) == [
        ("kill", 0, "[] "),
        ("kill", 1, "['a'] a"),
        ("kill", 2, "['a', 'b'] ab"),
    ]
    assert (report.points, report.runs, report.unreached) == (3, 3, 0)


def test_an_error_is_injected_once_or_for_ever() -> None:
    def stubborn(root: Path, ack: Ack) -> None:
        for name in "ab":
            try:
                os.mkdir(root / name)
                ack(name)
            except OSError as error:
                ack(errno.errorcode[error.errno])

    def check(root: Path, acks: list[str]) -> list[str]:
        return [] if acks == ["a", "b"] else [" ".join([*acks, *os.listdir(root)])]

    erofs = [failing(errno.EROFS), failing(errno.EROFS, forever=True)]
    assert seen(sweep(script(stubborn, check), erofs)) == [
        ("EROFS", 0, "EROFS b b"),
        ("EROFS", 1, "a EROFS a"),
        ("EROFS for ever", 0, "EROFS EROFS"),
        ("EROFS for ever", 1, "a EROFS a"),
    ]


def test_errors_hit_only_calls_that_can_give_them() -> None:
    points = list_points(script(three_steps))
    emfile, enospc = failing(errno.EMFILE), failing(errno.ENOSPC)
    assert not any(emfile.applies(point) for point in points)
    assert all(enospc.applies(point) for point in points)


def test_signals_can_be_handled() -> None:
    def operation(root: Path, ack: Ack) -> None:
        try:
            three_steps(root, ack)
        except KeyboardInterrupt:
            ack(" interrupted")

    report = sweep(script(operation, clean_at_the_end), SIGNALS)
    assert seen(report) == [
        ("Ctrl-C", 0, "['a']  interrupted"),
        ("Ctrl-C", 1, "['a', 'b'] a interrupted"),
        ("Ctrl-C", 2, "['a', 'c'] ab interrupted"),
        ("SIGTERM", 0, "['a'] "),
        ("SIGTERM", 1, "['a', 'b'] a"),
        ("SIGTERM", 2, "['a', 'c'] ab"),
    ]


@pytest.mark.parametrize("how", ["write", "pwrite", "writev", "copy_file_range"])
def test_short_writes_are_half_as_long(how: str) -> None:
    def operation(root: Path, ack: Ack) -> None:
        out = os.open(root / "out", os.O_WRONLY | os.O_CREAT)
        if how == "write":
            count = os.write(out, b"12345678")
        elif how == "pwrite":
            count = os.pwrite(out, b"12345678", 0)
        elif how == "writev":
            count = os.writev(out, [b"12345678", b"9"])
        else:
            source = os.open(root / "source", os.O_RDONLY)
            count = os.copy_file_range(source, out, 1 << 20)
        ack(str(count))

    def check(root: Path, acks: list[str]) -> list[str]:
        written = (root / "out").read_bytes().decode()
        assert acks == [str(len(written))]
        return [written] if len(written) < 8 else []

    def setup(root: Path) -> None:
        (root / "source").write_bytes(b"12345678")

    report = sweep(Script("short", setup, operation, check), [SHORT])
    assert seen(report) == [("short write", 1, "1234")]


def test_reads_can_be_the_points_too() -> None:
    def setup(root: Path) -> None:
        (root / "x").write_text("data")

    def operation(root: Path, ack: Ack) -> None:
        (root / "x").read_text()
        ack("read")

    def check(root: Path, acks: list[str]) -> list[str]:
        return [] if acks else ["not read"]

    both = Script("reads", setup, operation, check)
    names = [point.name for point in list_points(both, reads=True)]
    assert names[:2] == ["openat", "read"]
    report = sweep(both, [failing(errno.EIO)], reads=True)
    assert report.bad == report.runs == len(names)


def test_child_processes_are_followed_and_killed() -> None:
    code = "import sys; open(sys.argv[1], 'w').close(); open(sys.argv[2], 'w').close()"

    def operation(root: Path, ack: Ack) -> None:
        command = [sys.executable, "-ISc", code, root / "first", root / "second"]
        subprocess.run(command, check=True)
        ack("done")

    def check(root: Path, acks: list[str]) -> list[str]:
        return [] if acks else [str(sorted(os.listdir(root)))]

    family = script(operation, check)
    assert [point.text for point in list_points(family)] == [
        "openat(first)",
        "openat(second)",
    ]
    wrong = [each.wrong for each in sweep(family, [KILL]).findings]
    assert wrong == ["[]", "['first']"]


def test_threads_are_followed() -> None:
    def operation(root: Path, ack: Ack) -> None:
        threads = [
            threading.Thread(target=os.mkdir, args=[root / name]) for name in "abc"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(list_points(script(operation))) == 3


def test_an_unexpected_exception_is_a_finding_an_expected_one_is_not() -> None:
    def operation(root: Path, ack: Ack) -> None:
        try:
            os.mkdir(root / "a")
        except OSError as error:
            if error.errno == errno.EROFS:
                raise
            raise KeyError(error.errno) from error

    numbers = [failing(errno.EROFS), failing(errno.EIO)]
    report = sweep(script(operation), numbers)
    assert [each.fault for each in report.findings] == ["EIO"]
    assert "the operation crashed: KeyError at test_sweep.py" in str(report)


def test_a_hang_is_a_finding() -> None:
    def operation(root: Path, ack: Ack) -> None:
        try:
            os.mkdir(root / "a")
        except OSError:  # as if its time had run out: the alarm is set
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= slow.limit
            signal.raise_signal(signal.SIGALRM)

    slow = Script("slow", lambda root: None, operation, nothing_bad, limit=90)
    report = sweep(slow, [failing(errno.EIO)])
    assert "the operation hung" in report.findings[0].wrong


def test_a_check_that_raises_is_a_finding() -> None:
    def check(root: Path, acks: list[str]) -> list[str]:
        if not acks:
            raise KeyError("main")
        return []

    report = sweep(script(three_steps, check), [KILL])
    assert report.bad == 1
    assert "check raised KeyError at test_sweep.py" in report.findings[0].wrong


@pytest.mark.parametrize(
    "script_",
    [
        script(lambda root, ack: ack("x"), tell),
        script(lambda root, ack: os.rmdir(root / "missing")),
    ],
    ids=["bad check", "refused"],
)
def test_a_script_that_is_bad_undisturbed_stops_the_sweep(script_: Script) -> None:
    with pytest.raises(WorkerError, match=BrokenScriptError.__name__):
        sweep(script_)


def test_every_run_starts_from_the_same_directory() -> None:
    def setup(root: Path) -> None:
        (root / "log").write_text("start\n")
        os.utime(root / "log", ns=(7, 7))

    def operation(root: Path, ack: Ack) -> None:
        assert (root / "log").stat().st_mtime_ns == 7
        with open(root / "log", "a") as log:
            log.write("run\n")

    def check(root: Path, acks: list[str]) -> list[str]:
        lines = (root / "log").read_text().split()
        (root / "left by check").mkdir()
        return [] if lines in (["start"], ["start", "run"]) else [str(lines)]

    report = sweep(Script("log", setup, operation, check), [KILL, *faults.ERRORS])
    assert report.runs > 5
    assert report.findings == []


def test_a_part_thins_the_runs_and_workers_share_them() -> None:
    every = sweep(script(three_steps), [KILL], workers=1)
    some = sweep(script(three_steps), [KILL], workers=2, part=slice(1, None, 2))
    assert (every.runs, some.runs) == (3, 1)


def test_workers_return_in_order_or_raise() -> None:
    assert in_processes(3, lambda number: number * 10) == [0, 10, 20]
    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        in_processes(2, lambda number: 1 // number)
