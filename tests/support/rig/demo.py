"""`make demo-boot`: kp's story, told by real firmware, loaders and a real kernel.

Two virtual machines, one with a BIOS and PXELINUX, one with UEFI and GRUB, are served
by in.tftpd from a site that is made, broken and rolled back by the `kp` commands
printed here. The exit status is 0 only if every step was seen on a machine's serial
line. Needs root: TFTP has a privileged port.
"""

import contextlib
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import join

from kpcmd.app import main as run_kp
from kpcmd.context import Signals, World
from support.rig import cmdline, guest, netboot, parts, qemu, tftp

IMAGE_PARAMETERS = "console=ttyS0,115200 panic=5"


class NotSeenError(AssertionError):
    """A step of the story did not happen."""


@dataclass(frozen=True)
class Node:
    """One of the two machines."""

    name: str
    mac: str
    loader: netboot.Loader
    called: str


BIOS = Node("n001", "52:54:00:12:34:01", netboot.PXELINUX, "SeaBIOS and PXELINUX")
UEFI = Node("n002", "52:54:00:12:34:02", netboot.GRUB_UEFI, "UEFI (OVMF) and GRUB")
NODES = (BIOS, UEFI)


def say(text: str) -> None:
    """Print a piece of the story at once, ahead of what takes its time."""
    print(text, flush=True)


def kp(*words: str) -> None:
    """Run one kp command in this process, printed as it would be typed."""
    say(f"$ kp {join(words)}")
    status = run_kp(words, _world())
    if status != 0:
        raise NotSeenError(f"kp {join(words)} ended with status {status}")


def shown_command_line(node: Node) -> str:
    """Return what kp says that a node's kernel is given."""
    words = ("entry", "show", "web", "production", "--node", node.name, "--json")
    say(f"$ kp {join(words)}")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = run_kp(words, _world())
    if status != 0:
        raise NotSeenError(f"kp entry show ended with status {status}")
    return str(json.loads(out.getvalue())["cmdline"])


def _world() -> World:
    # Not a terminal: the story asks nothing.
    known = World.of_process()
    return replace(known, site=Path("site"), terminal=False, signals=Signals())


def check_report(outcome: qemu.Outcome, expected: str, initrd: str) -> guest.Report:
    """Return what a guest reported; NotSeenError unless it is what kp says."""
    if outcome.ended != "text":
        raise NotSeenError(f"no guest reported: {outcome}")
    said = guest.report(outcome.console)
    tokens = cmdline.tokens(expected)
    if cmdline.meant(said.cmdline, tokens) != tokens:
        raise NotSeenError(f"the guest got {said.cmdline!r}, kp says {expected!r}")
    if (said.initrd, said.kernel) != (initrd, parts.kernel_release()):
        raise NotSeenError(f"not the kernel and initrd that were meant: {said}")
    return said


@dataclass(frozen=True)
class Stage:
    """The folder that the story plays in, and the TFTP server."""

    server: tftp.Server
    scratch: Path

    def machine(self, node: Node) -> qemu.Machine:
        """Return a node's hardware, which starts again after a panic."""
        where = self.scratch / node.name
        return netboot.machine(
            node.loader, self.server, where, mac=node.mac, resets=True
        )

    def boots(self, node: Node, initrd: str) -> None:
        """Switch a node on and hold what it reports against what kp says."""
        expected = shown_command_line(node)
        say(f"  ({node.name} is switched on: {node.called})")
        outcome = qemu.run(self.machine(node), self.scratch, guest.END)
        told(node, check_report(outcome, expected, initrd), expected, outcome.seconds)

    def panics_and_returns(self, node: Node) -> None:
        """The bad kernel panics; one rollback, and the same machine is back."""
        say(f"  ({node.name} is switched on, and nobody touches it from here on)")
        with qemu.power_on(self.machine(node), self.scratch) as session:
            panicked = session.wait_for(guest.PANIC)
            line = guest.PANIC.search(panicked.console)
            if line is None or "KP-BAD hasty" not in panicked.console:
                raise NotSeenError(f"{node.name} did not panic: {panicked}")
            say(f"  {node.name}, {panicked.seconds:.0f} s: {line[0]}")
            say("\n# 3 a.m. One command, one commit:")
            kp("rollback", "web", "-m", f"{node.name} panics")
            say("\n# panic=5 restarts the node, and this time the server says better.")
            expected = shown_command_line(node)
            back = session.wait_for(guest.END)
        told(node, check_report(back, expected, "stable"), expected, back.seconds)


def told(node: Node, said: guest.Report, expected: str, seconds: float) -> None:
    """Print what kp meant and what the node got."""
    say(f"  kp says:  {expected}")
    say(f"  {node.name} got: {said.cmdline}")
    say(f"  {node.name} runs {said.kernel} with initrd {said.initrd}: {seconds:.0f} s")


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """Set the stage in a folder that goes afterwards, and stand in it."""
    with (
        tempfile.TemporaryDirectory(prefix="kp-demo-boot-") as place,
        contextlib.chdir(place),
    ):
        root = Path(place, "tftp")
        root.mkdir()
        root.chmod(0o755)
        release = parts.kernel_release()
        shutil.copyfile(parts.kernel(), "vmlinuz")
        Path("stable.img").write_bytes(guest.good_initrd("stable", release))
        Path("hasty.img").write_bytes(guest.bad_initrd("hasty", release))
        for node in NODES:
            node.loader.install(root)
        with tftp.serve(root) as server:
            yield Stage(server, Path(place, "scratch"))


def first_day() -> None:
    """Make the site and publish its first kernel."""
    say("# A new site: one image, a real Debian kernel, two machines.")
    kp("init", "--name", "demo-boot")
    kp("image", "add", "web", "--arch", "x86_64", "--params", IMAGE_PARAMETERS)
    add_kernel("stable")
    variable = ("--params", "node_id={node.index}")
    kp("entry", "add", "web", "production", "--kernel", "stable", *variable)
    for index, node in enumerate(NODES, start=1):
        own = ("--mac", node.mac, "--image", "web", "--index", str(index))
        kp("node", "add", node.name, *own)
    loaders = ("--loader", "pxelinux", "--loader", "grub")
    kp("target", "add", "net", "--kind", "tftp", "--root", "tftp", *loaders)
    kp("commit", "-m", "first day")


def add_kernel(name: str) -> None:
    """Take the kernel in with the initrd of that name."""
    files = ("--files", "vmlinuz", "--initrd", f"{name}.img")
    kp("kernel", "add", "web", *files, "--name", name)


def hasty_change() -> None:
    """Commit a kernel that passes every check and boots nowhere."""
    say("\n# A second one. Every check of files passes, but its init ends at once.")
    add_kernel("hasty")
    kp("entry", "set", "web", "production", "--kernel", "hasty")
    kp("plan")
    kp("commit", "-m", "the new initrd, quickly")


def story(stage: Stage) -> None:
    """Tell it all; NotSeenError where it does not go as told."""
    first_day()
    say("\n# Do they boot, each by its own firmware and loader?")
    for node in NODES:
        stage.boots(node, "stable")
    kp("good", "web", "-m", "n001 and n002 boot it")
    hasty_change()
    stage.panics_and_returns(BIOS)
    say("\n# What is left of the night:")
    kp("log", "-n", "10")
    kp("verify")
    kp("status")


def main() -> int:
    """Tell the story; 0 when every step of it was seen."""
    begun = time.monotonic()
    try:
        with staged() as stage:
            story(stage)
    except AssertionError as problem:  # the rig's and the story's own
        print(f"\ndemo-boot: {problem}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - begun
    say(f"\nBooted, broken, rolled back, booted again: all seen in {seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
