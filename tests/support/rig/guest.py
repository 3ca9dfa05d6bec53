"""What the guests run: small initrds that say on ttyS0 how they were booted.

A good one prints, each on a line of its own, and then powers the machine off:

    KP-BEGIN
    KP-CMDLINE <the text of /proc/cmdline>
    KP-KERNEL <uname -r>
    KP-INITRD <the id that it was built with>
    KP-END

A bad one prints `KP-BAD <id>` and ends its process 1: the kernel panics.
"""

import gzip
import re
from dataclasses import dataclass

from support.rig import cpio, parts

_PREPARE = """\
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
# From here on the kernel's own messages keep out of our lines.
/bin/busybox dmesg -n 1
exec >/dev/ttyS0 2>&1
/bin/busybox stty -F /dev/ttyS0 115200
echo
"""
_GOOD = """\
echo KP-BEGIN
echo "KP-CMDLINE $(/bin/busybox cat /proc/cmdline)"
echo "KP-KERNEL $(/bin/busybox uname -r)"
echo "KP-INITRD {ident}"
echo KP-END
/bin/busybox poweroff -f
"""
_BAD = """\
echo "KP-BAD {ident}"
/bin/busybox dmesg -n 7
exit 1
"""
END = re.compile(r"^KP-END\r?$", re.MULTILINE)
PANIC = re.compile(r"Kernel panic - not syncing[^\r\n]*")


@dataclass(frozen=True)
class Report:
    """What a good guest said of itself."""

    cmdline: str
    kernel: str
    initrd: str


class NoReportError(AssertionError):
    """The console holds no complete report."""


def good_initrd(ident: str, release: str) -> bytes:
    """A gzip'd initrd for kernel `release`; its guest reports and powers off."""
    return _initrd(_PREPARE + _GOOD.format(ident=ident), release)


def bad_initrd(ident: str, release: str) -> bytes:
    """One that passes every check made on a server and panics on the node."""
    return _initrd(_PREPARE + _BAD.format(ident=ident), release)


def junk_kernel() -> bytes:
    """Bytes that no loader takes for a kernel."""
    return b"this is no kernel\n" * 1000


def report(console: str) -> Report:
    """The first complete report on a console; raises NoReportError."""
    text = console.replace("\r", "")
    begun = re.search(r"^KP-BEGIN\n(.*?)^KP-END$", text, re.MULTILINE | re.DOTALL)
    if begun is None:
        raise NoReportError(f"no complete report on the console:\n{text[-3000:]}")
    said = dict(line.split(" ", 1) for line in begun[1].splitlines() if " " in line)
    return Report(said["KP-CMDLINE"], said["KP-KERNEL"], said["KP-INITRD"])


def _initrd(init: str, release: str) -> bytes:
    modules = f"lib/modules/{release}"
    entries = [
        *map(cpio.directory, ("bin", "dev", "proc", "lib", "lib/modules", modules)),
        cpio.file(f"{modules}/modules.builtin", b""),
        cpio.character_device("dev/console", 5, 1),
        cpio.character_device("dev/ttyS0", 4, 64),
        cpio.file("bin/busybox", parts.BUSYBOX.read(), 0o755),
        cpio.file("init", init.encode(), 0o755),
    ]
    return gzip.compress(cpio.archive(entries), compresslevel=6, mtime=0)
