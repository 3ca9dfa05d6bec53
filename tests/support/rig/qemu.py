"""Virtual PCs: start one, watch its serial line, stop it.

Always TCG: it needs no /dev/kvm, and the nested KVM of build machines hangs. No
tap, no bridge: QEMU's user network answers DHCP by itself, and the guest reaches
the host's 127.0.0.0/8 addresses (10.0.2.2 stands for 127.0.0.1).
"""

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from support.rig import parts

Firmware = Literal["bios", "uefi"]
Ending = Literal["text", "off", "limit"]
HOST = "10.0.2.2"
LIMIT = 600  # seconds that a wait may take: many times what it does
# SeaBIOS, iPXE and PXELINUX show their screen on ttyS3, out of ttyS0's way.
_SCREEN_PORT = b"\xe8\x02"


@dataclass(frozen=True)
class Machine:
    """A PC. `disk` is a raw image; `tftp` and `boot_file` are QEMU's own DHCP/TFTP.

    `script` is an iPXE script that a BIOS machine starts with at once, in place of
    its network card's ROM: that saves the banner and the DHCP exchange. With `resets`
    a guest that resets itself boots again; else that counts as gone off.
    """

    firmware: Firmware = "bios"
    mac: str = "52:54:00:12:34:56"
    memory_mib: int = 512
    disk: Path | None = None
    network: bool = True
    resets: bool = False
    tftp: Path | None = None
    boot_file: str = ""
    script: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the awaited text was seen, the machine went off, or neither."""

    ended: Ending
    console: str
    screen: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"ended by {self.ended} after {self.seconds:.1f} s; "
            f"screen:\n{self.screen[-1500:]}\nserial line:\n{self.console[-3000:]}"
        )


class Session:
    """A machine that is on. Every wait starts where the one before it ended."""

    def __init__(self, process: "subprocess.Popen[bytes]", scratch: Path) -> None:
        self._process = process
        self._scratch = scratch
        self._begun = time.monotonic()
        self._read = dict.fromkeys(("ttyS0", "ttyS3"), 0)

    def wait_for(self, until: re.Pattern[str], limit: float = LIMIT) -> Outcome:
        """Watch the serial line and a BIOS's screen for `limit` seconds at most."""
        ended = self._watch(until, time.monotonic() + limit)
        if ended == "off" and self._process.returncode != 0:
            log = (self._scratch / "qemu.log").read_text()
            raise AssertionError(f"QEMU failed: {log}")
        console, screen = (_text(self._scratch / name) for name in self._read)
        return Outcome(ended, console, screen, time.monotonic() - self._begun)

    def _watch(self, until: re.Pattern[str], deadline: float) -> Ending:
        while time.monotonic() < deadline:
            off = self._process.poll() is not None
            if self._found(until):
                return "text"
            if off:
                return "off"
            time.sleep(0.05)
        return "limit"

    def _found(self, until: re.Pattern[str]) -> bool:
        for name, start in self._read.items():
            match = until.search(_text(self._scratch / name), start)
            if match:
                self._read[name] = match.end()
                return True
        return False


@contextlib.contextmanager
def power_on(machine: Machine, scratch: Path) -> Iterator[Session]:
    """Let the machine run while the block does; `scratch` takes its logs."""
    scratch.mkdir(parents=True, exist_ok=True)
    for name in ("ttyS0", "ttyS3"):
        (scratch / name).unlink(missing_ok=True)
    argv = _argv(machine, scratch)
    with (scratch / "qemu.log").open("wb") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield Session(process, scratch)
    finally:
        process.kill()
        process.wait()


def run(
    machine: Machine, scratch: Path, until: re.Pattern[str], limit: float = LIMIT
) -> Outcome:
    """Switch the machine on, wait for `until`, switch it off again."""
    with power_on(machine, scratch) as session:
        return session.wait_for(until, limit)


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    return path.read_bytes().decode(errors="replace").replace("\r", "")


def _argv(machine: Machine, scratch: Path) -> list[str]:
    return [
        *(parts.program("qemu-system-x86_64"), "-accel", "tcg", "-cpu", "qemu64"),
        *("-m", str(machine.memory_mib), "-nodefaults", "-vga", "std"),
        *("-display", "none", *([] if machine.resets else ["-no-reboot"])),
        *("-serial", f"file:{scratch}/ttyS0", "-serial", "null", "-serial", "null"),
        *("-serial", f"file:{scratch}/ttyS3"),
        *_firmware(machine, scratch),
        *_network(machine),
        *_disk(machine),
        *_direct(machine),
    ]


def _firmware(machine: Machine, scratch: Path) -> list[str]:
    if machine.firmware == "bios":
        port = scratch / "sercon-port"
        port.write_bytes(_SCREEN_PORT)
        return ["-fw_cfg", f"name=etc/sercon-port,file={port}"]
    variables = scratch / "vars.fd"
    shutil.copyfile(parts.OVMF_VARS.path, variables)
    flash = "if=pflash,format=raw"
    code = f"{flash},unit=0,readonly=on,file={parts.OVMF_CODE.path}"
    return [
        *("-machine", "q35", "-drive", code),
        *("-drive", f"{flash},unit=1,file={variables}"),
    ]


def _network(machine: Machine) -> list[str]:
    if not machine.network:
        return []
    user = "user,id=net"
    if machine.tftp is not None:
        user += f",tftp={machine.tftp},bootfile={machine.boot_file}"
    card = f"virtio-net-pci,netdev=net,mac={machine.mac},bootindex=1"
    if machine.firmware == "uefi":
        card += f",romfile={parts.IPXE_ROM_UEFI.path}"
    return ["-netdev", user, "-device", card]


def _disk(machine: Machine) -> list[str]:
    if machine.disk is None:
        return []
    # What a guest writes is thrown away: an image can be booted again and again.
    drive = f"file={machine.disk},format=raw,if=none,id=disk,snapshot=on"
    return ["-drive", drive, "-device", "virtio-blk-pci,drive=disk,bootindex=2"]


def _direct(machine: Machine) -> list[str]:
    if machine.script is None:
        return []
    return ["-kernel", str(parts.IPXE_KERNEL.path), "-initrd", str(machine.script)]
