"""Run a job in several forked processes and gather what they return.

Each process forks and traces children of its own, so they don't meet. A job that
raises makes the whole call raise, with the worker's traceback.
"""

import ctypes
import gc
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from typing import TypeVar

from support.crash.child import fork

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

Result = TypeVar("Result")


class WorkerError(Exception):
    """A worker raised or died; its traceback is the message."""


def in_processes(count: int, job: Callable[[int], Result]) -> list[Result]:
    """Return [job(0), ..., job(count - 1)], each from a process of its own."""
    gc.freeze()  # children copy fewer pages when the collector leaves them alone
    pipes = [_start(job, number) for number in range(count)]
    gc.unfreeze()
    answers = [_gather(pid, reader) for pid, reader in pipes]
    for failed, answer in answers:
        if failed:
            raise WorkerError(str(answer))
    return [answer for _, answer in answers]  # type: ignore[misc]  # see _report


def _start(job: Callable[[int], Result], number: int) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = fork()
    if pid == 0:
        try:
            os.close(reader)
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
            _report(job, number, writer)
        finally:
            os._exit(0)
    os.close(writer)
    return pid, reader


def _report(job: Callable[[int], Result], number: int, writer: int) -> None:
    answer: tuple[bool, object]
    try:
        answer = (False, job(number))
    except BaseException:  # told to the parent, which raises
        answer = (True, traceback.format_exc())
    with open(writer, "wb") as pipe:
        pickle.dump(answer, pipe)


def _gather(pid: int, reader: int) -> tuple[bool, object]:
    with open(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    if not said:
        return True, f"worker {pid} died without a word"
    failed, answer = pickle.loads(said)
    return failed, answer
