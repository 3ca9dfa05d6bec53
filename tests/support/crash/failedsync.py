"""Failing syncs, then power loss: does the program believe a sync that failed?

Proves: whichever single fsync, fdatasync or syncfs fails with EIO, nothing that was
acked is lost in a power cut after the run, even if a later sync of the same file
succeeded (Linux reports a write-back error once, and may forget the pages).
Does not prove: anything about cuts in the middle of such a run, or about several
errors in one run. The sweep's EIO "for ever" covers those without the power cut.
"""

import time
from dataclasses import replace

from support.crash.parallel import in_processes
from support.crash.powerloss import Examiner, record
from support.crash.report import Report, merged
from support.crash.script import WHOLE, Script
from support.crash.sweep import Stage
from support.crash.trees import scratch


def examine(
    script: Script,
    *,
    samples: int = 16,
    part: slice = WHOLE,
    workers: int = 2,
    until_bad: bool = False,
) -> Report:
    """Fail each sync of `part`; check all that a cut after the run may leave.

    `until_bad`: stop at the first state that is bad.
    """

    def share(number: int) -> Report:
        with scratch() as where:
            stage = Stage(script, where / "site")
            syncs = record(stage).syncs
            examiner = Examiner(stage, "strict", samples, until_bad)
            for index in range(syncs)[part][number::workers]:
                if examiner.is_done:
                    break
                recording = record(stage, failing_sync=index)
                examiner.last_point(recording)
            return replace(examiner.report, points=syncs)

    start = time.monotonic()
    parts = in_processes(workers, share)
    return merged(f"failed sync {script.name}", parts, time.monotonic() - start)
