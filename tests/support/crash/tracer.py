"""Run a function in a forked child and decide about each of its system calls.

The child is forked from a process that has imported everything already, so a run
costs a fork, not an interpreter. A visitor sees the calls between two marks
(writes to descriptor 9999, which the kernel never sees) and lets them run, answers
them itself, changes them, or kills the child before they run.

Threads and child processes are followed, and killed with their parent; the order
of calls of different threads is then the machine's, not repeatable.
A process that leaves the child's process group is not followed.
"""

import contextlib
import os
import signal
from dataclasses import dataclass, field
from typing import Protocol

from support.crash import ptrace
from support.crash.child import Ending, Job, Work
from support.crash.syscalls import Call, Spec

MARK = 9999
_WRITE = 1


@dataclass(frozen=True)
class Proceed:
    """Let the call run; `watch`: tell the visitor its result."""

    watch: bool = False


@dataclass(frozen=True)
class Answer:
    """Don't run the call; give this result (-errno for a failure)."""

    result: int


@dataclass(frozen=True)
class Change:
    """Run this call instead."""

    nr: int
    args: tuple[int, ...]


@dataclass(frozen=True)
class Kill:
    """SIGKILL before the call runs."""


@dataclass(frozen=True)
class Signal:
    """Let the call run, and send the process a signal that it may handle."""

    number: int


Verdict = Proceed | Answer | Change | Kill | Signal
PROCEED = Proceed()


class Visitor(Protocol):
    """Who decides about calls."""

    def enter(self, call: Call) -> Verdict:
        """Decide about a call that is about to run."""

    def leave(self, call: Call, result: int) -> None:
        """Learn the result of a watched call; -errno when it failed."""


@dataclass
class Tracer:
    """One run of `job` under `visitor`, stopped at the calls in `specs`."""

    job: Job
    visitor: Visitor
    specs: tuple[Spec, ...]
    _inside: bool = False
    _killed: bool = False
    _known: set[int] = field(default_factory=set)
    _watched: dict[int, Call] = field(default_factory=dict)

    def run(self) -> Ending:
        """Start the child and follow it to its end."""
        self._table = {spec.nr: spec for spec in self.specs}
        self._table.setdefault(_WRITE, Spec(_WRITE, "write", "mark", fds=(0,)))
        pid = self.job.fork(self._around)
        try:
            return self.job.ending(self._follow(pid), killed=self._killed)
        finally:
            _end_group(pid)

    def _around(self, work: Work) -> None:
        """In the child: from the stop signal on the parent has us in hand."""
        ptrace.trace_me()
        os.kill(os.getpid(), signal.SIGSTOP)
        ptrace.stop_at(self._table.values())
        os.write(MARK, b"begin")
        try:
            work()
        finally:
            os.write(MARK, b"end")

    def _follow(self, pid: int) -> int:
        """Handle every stop until the first process ends; its wait status."""
        _, status = os.waitpid(pid, ptrace.WALL)
        if not os.WIFSTOPPED(status):
            return status
        ptrace.adopt(pid)
        self._known.add(pid)
        ptrace.resume(pid)
        while True:
            stopped, status = os.waitpid(-pid, ptrace.WALL)
            if os.WIFSTOPPED(status):
                with contextlib.suppress(ProcessLookupError):  # killed meanwhile
                    self._handle(stopped, status)
            elif stopped == pid:
                return status

    def _handle(self, pid: int, status: int) -> None:
        stop, event = os.WSTOPSIG(status), status >> 16
        if event == ptrace.EVENT_SECCOMP:
            self._enter(pid)
        elif stop == signal.SIGTRAP | 0x80:
            call = self._watched.pop(pid)
            self.visitor.leave(call, ptrace.registers(pid).result())
            ptrace.resume(pid)
        elif event or (stop == signal.SIGSTOP and pid not in self._known):
            self._known.add(pid)
            ptrace.resume(pid)
        else:
            ptrace.resume(pid, stop)

    def _enter(self, pid: int) -> None:
        now = ptrace.registers(pid)
        call = Call(pid, self._table[now.orig_rax], now.arguments())
        if call.spec.nr == _WRITE and call.fd(0) == MARK:
            self._inside = not self._inside
            self._apply(call, Answer(call.args[2]), now)
        elif self._inside and call.spec.family != "mark" and call.counts():
            self._apply(call, self.visitor.enter(call), now)
        else:
            ptrace.resume(pid)

    def _apply(self, call: Call, verdict: Verdict, now: ptrace.Registers) -> None:
        match verdict:
            case Proceed(watch=watch):
                if watch:
                    self._watched[call.pid] = call
                ptrace.resume(call.pid, to_exit=watch)
                return
            case Kill():
                self._killed = True
                os.killpg(os.getpgid(call.pid), signal.SIGKILL)
                return
            case Signal(number=number):
                os.kill(call.pid, number)
                ptrace.resume(call.pid)
                return
            case Answer(result=result):
                now.orig_rax = now.rax = 2**64 - 1
                now.rax = result % 2**64
            case Change(nr=nr, args=args):
                now.orig_rax = nr
                now.rdi, now.rsi, now.rdx, now.r10, now.r8, now.r9 = args
        ptrace.set_registers(call.pid, now)
        ptrace.resume(call.pid)


def _end_group(pgid: int) -> None:
    """Kill and reap whatever the child left behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pgid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-pgid, ptrace.WALL)
