"""A really full disk: the script on a tmpfs with a few pages or inodes to spare.

Proves: whatever the exact free space (or number of free inodes), running out of it,
for good and at the kernel's own choice of call, leaves nothing that the check calls
bad once there is space again. The sweep's ENOSPC fails calls one by one; here all
that allocate fail and the others go on working.
Does not prove: ENOSPC at fsync (delayed allocation: the sweep injects that), quotas.
Needs root; see mounts.py.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from support.crash.mounts import mounted_tmpfs, private_namespace, resize_tmpfs
from support.crash.parallel import in_processes
from support.crash.report import Finding, Report, merged
from support.crash.script import Script
from support.crash.sweep import Stage
from support.crash.trees import restore, scratch

_PAGE = 4096
_AMPLE = "size=1g,nr_inodes=1000000"


@dataclass(frozen=True)
class Room:
    """What is free when the operation begins; None: plenty."""

    pages: int | None = None
    inodes: int | None = None

    def options(self, mount: Path) -> str:
        """Mount options that leave exactly this much."""
        facts = os.statvfs(mount)
        size, inodes = "1g", 1000000
        if self.pages is not None:
            used = (facts.f_blocks - facts.f_bfree) * facts.f_frsize
            size = str(used + self.pages * _PAGE)
        if self.inodes is not None:
            inodes = facts.f_files - facts.f_ffree + self.inodes
        return f"size={size},nr_inodes={inodes}"


def fill(script: Script, rooms: Iterable[Room], *, workers: int = 2) -> Report:
    """Run the script once in each of `rooms`, then make space and check.

    The report's name tells in how many the operation was refused (it raised an
    expected error, or acked "refused ..."): were it none, nothing was proved.
    """
    every = [Room(), *rooms]

    def share(number: int) -> tuple[Report, int]:
        private_namespace()
        report, refused = Report(script.name, points=len(every)), 0
        with scratch() as mount, mounted_tmpfs(mount, _AMPLE):
            stage = Stage(script, mount / "site")
            for room in every[number::workers]:
                refused += _was_refused(stage, mount, room, report)
        return report, refused

    start = time.monotonic()
    parts = in_processes(workers, share)
    refused = sum(count for _, count in parts)
    name = f"full disk {script.name}, {refused} refused"
    return merged(name, (part for part, _ in parts), time.monotonic() - start)


def _was_refused(stage: Stage, mount: Path, room: Room, report: Report) -> bool:
    restore(stage.pristine, stage.root)
    stage.acks.clear()
    resize_tmpfs(mount, room.options(mount))
    ending = stage.script.job(stage.root, stage.acks).run()
    resize_tmpfs(mount, _AMPLE)
    if room == Room():
        stage.demand_clean(ending)
    wrong = stage.wrong(ending)
    report.runs += 1
    report.findings += [Finding(str(room), 0, "", each) for each in wrong]
    said = any(ack.startswith("refused") for ack in stage.acks.texts())
    return said or ending.kind == "refused"
