"""Many writers on one site: processes that commit, are killed, and begin again."""

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kpstore.edits import images, nodes
from kpstore.model.state import State
from kpstore.operations.outcome import Outcome
from kpstore.picker import KernelPicker
from support import bootcheck
from support.crash.child import SharedLog, fork
from support.sites import SmallSite, done, name

Edit = Callable[[State, str], None]


def _own_node(state: State, tag: str) -> None:
    nodes.change(state, [name(0)], {}, add_params=(f"kp.node={tag}",))


def _image(state: State, tag: str) -> None:
    images.change(state, "gpu", {"params": (f"kp.image={tag}",)})


def _other_boot(state: State, tag: str) -> None:
    """Move a node to another template, or back."""
    node = state.node(name(2))
    if node.next:
        nodes.clear_next(state, [node.name])
    else:
        nodes.set_next(state, [node.name], "rescue", (f"kp.next={tag}",))


EDITS: tuple[Edit, ...] = (_own_node, _image, _other_boot)


def write(picker: KernelPicker, writer: int, number: int) -> Outcome:
    """Make one commit; each is different from what is there, after a kill too."""
    tag = f"{writer}-{number}-{os.getpid()}"
    with picker.edit(f"edit {tag}") as edit:
        EDITS[(writer + number) % len(EDITS)](edit.state, tag)
    return done(edit.outcome)


@dataclass
class Writer:
    """One writer; it goes on where it was killed, and counts what was acknowledged."""

    site: SmallSite
    number: int
    commits: int
    told: SharedLog = field(default_factory=lambda: SharedLog(1 << 16))
    pid: int = 0

    @property
    def acked(self) -> list[str]:
        """Return the commits that were acknowledged."""
        return [text for text in self.told.texts() if not text.startswith("!")]

    @property
    def failures(self) -> list[str]:
        """Return what raised."""
        return [text for text in self.told.texts() if text.startswith("!")]

    def start(self) -> None:
        """Begin, or go on, in a process of its own."""
        self.pid = fork()
        if self.pid == 0:
            try:
                self._live()
            finally:
                os._exit(0)

    def _live(self) -> None:
        try:
            for number in range(len(self.acked), self.commits):
                # The clock goes on, so that old generations are swept.
                site = replace(self.site, day=number / 20)
                outcome = write(site.picker(), self.number, number)
                self.told.add(outcome.commit)
        except BaseException:  # told to the test, which fails
            self.told.add(f"!{traceback.format_exc()[-3000:]}")

    def reap(self) -> bool:
        """Tell whether it has ended."""
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = 0
        return not self.pid


_PAUSE = 0.03  # seconds between two looks, and two kills: less than a commit takes


def run(writers: list[Writer], *, kills: int = 0, seed: int = 0) -> int:
    """Let all make their commits; return how often one was killed by -9.

    `kills`: at most so many, each of whichever writer, if it runs. Were there no end to
    them, nobody would finish a commit on a machine that is slow today.
    """
    chance, killed = random.Random(seed), 0
    for writer in writers:
        writer.start()
    while not all(writer.reap() for writer in writers):
        time.sleep(_PAUSE)
        victim = chance.choice(writers)
        if killed < kills and not victim.reap():
            os.kill(victim.pid, signal.SIGKILL)
            os.waitpid(victim.pid, 0)
            killed += 1
            victim.start()
    return killed


def wrong(site: SmallSite, writers: list[Writer]) -> list[str]:
    """Say what is bad when all have ended: every commit acknowledged is in one line."""
    picker = site.picker()
    chain = bootcheck.history(picker)
    acked = [commit for writer in writers for commit in writer.acked]
    bad = [failure for writer in writers for failure in writer.failures]
    bad += [f"{bootcheck.LOST}: {commit}" for commit in acked if commit not in chain]
    if not len(acked) == len(set(acked)) == sum(writer.commits for writer in writers):
        bad.append(f"{len(acked)} acknowledged, {len(set(acked))} different ones")
    numbers = [picker.site.record(commit).revision for commit in chain]
    if numbers != list(range(len(chain), 0, -1)):
        bad.append(f"not one line: {numbers}")
    return bad or bootcheck.clean(site)
