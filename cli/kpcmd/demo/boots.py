"""Make-believe nodes that boot as real ones do: menu, kernel, initrd, by TFTP paths.

A node comes up when its initrd carries the driver of its network card.
"""

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kpcmd.demo.cluster import CARD, mac

_LINE = re.compile(r"^\s*(LINUX|INITRD|APPEND) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Booted:
    """What one node booted, and whether it came up."""

    node: str
    kernel: str
    up: bool


def boot(tftp: Path, number: int) -> Booted:
    """Let a node boot over the network, as its PXELINUX would."""
    name = f"01-{mac(number).replace(':', '-')}"
    menu = (tftp / "pxelinux.cfg" / name).read_text("utf-8")
    said = dict(_LINE.findall(menu))
    kernel = _fetched(tftp, said["LINUX"])
    initrd = gzip.decompress(_fetched(tftp, said["INITRD"]))
    release = kernel[0x400:].partition(b" ")[0].decode()
    return Booted(f"n{number:02}", release, f"/{CARD}.ko".encode() in initrd)


def boot_all(tftp: Path, numbers: Iterable[int]) -> tuple[str, int, int]:
    """Let nodes boot; return the kernels' releases, how many came up, of how many."""
    found = [boot(tftp, number) for number in numbers]
    releases = sorted({each.kernel for each in found})
    return ", ".join(releases), sum(each.up for each in found), len(found)


def _fetched(tftp: Path, path: str) -> bytes:
    return (tftp / path.lstrip("/")).read_bytes()
