"""Virtual PCs: start one, watch its serial line, stop it.

Always TCG: it needs no /dev/kvm, and the nested KVM of build machines hangs. No
tap, no bridge: QEMU's user network answers DHCP by itself, and the guest reaches
the host's 127.0.0.0/8 addresses (10.0.2.2 stands for 127.0.0.1).
"""

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from support.rig import parts

Firmware = Literal["bios", "uefi"]
HOST = "10.0.2.2"
# SeaBIOS, iPXE and PXELINUX show their screen on ttyS3, out of ttyS0's way.
_SCREEN_PORT = b"\xe8\x02"


@dataclass(frozen=True)
class Machine:
    """A PC. `disk` is a raw image; `tftp` and `boot_file` are QEMU's own DHCP/TFTP.

    `script` is an iPXE script that a BIOS machine starts with at once, in place of
    its network card's ROM: that saves the banner and the DHCP exchange.
    """

    firmware: Firmware = "bios"
    mac: str = "52:54:00:12:34:56"
    memory_mib: int = 256
    disk: Path | None = None
    network: bool = True
    tftp: Path | None = None
    boot_file: str = ""
    script: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the awaited text was seen, the machine went off, or neither."""

    ended: Literal["text", "off", "limit"]
    console: str
    screen: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"ended by {self.ended} after {self.seconds:.1f} s; "
            f"screen:\n{self.screen[-1500:]}\nserial line:\n{self.console[-3000:]}"
        )


def run(
    machine: Machine, scratch: Path, until: re.Pattern[str], limit: float = 90
) -> Outcome:
    """Switch the machine on; off again when `until` is seen or `limit` s are over.

    A machine that resets itself counts as gone off. `scratch` takes the logs.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    argv = _argv(machine, scratch)
    begun = time.monotonic()
    with (scratch / "qemu.log").open("wb") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            ended = _watch(process, scratch / "ttyS0", until, begun + limit)
        finally:
            process.kill()
            process.wait()
    if ended == "off" and process.returncode != 0:
        raise AssertionError(f"QEMU failed: {(scratch / 'qemu.log').read_text()}")
    console, screen = (_text(scratch / name) for name in ("ttyS0", "ttyS3"))
    return Outcome(ended, console, screen, time.monotonic() - begun)


def _watch(
    process: "subprocess.Popen[bytes]",
    console: Path,
    until: re.Pattern[str],
    deadline: float,
) -> Literal["text", "off", "limit"]:
    while time.monotonic() < deadline:
        off = process.poll() is not None
        if until.search(_text(console)):
            return "text"
        if off:
            return "off"
        time.sleep(0.05)
    return "limit"


def _text(path: Path) -> str:
    if not path.exists():
        return ""
    return path.read_bytes().decode(errors="replace").replace("\r", "")


def _argv(machine: Machine, scratch: Path) -> list[str]:
    return [
        *(parts.program("qemu-system-x86_64"), "-accel", "tcg", "-cpu", "qemu64"),
        *("-m", str(machine.memory_mib), "-nodefaults", "-vga", "std"),
        *("-display", "none", "-no-reboot"),
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
