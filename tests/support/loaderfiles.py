"""What a distribution's loader has of one kernel, in each language that kp reads."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

Written = Callable[[str, Sequence[str], str], dict[str, bytes]]
"""Kernel and initrds as the loader calls them, and the command line."""


def grub(kernel: str, initrds: Sequence[str], line: str) -> dict[str, bytes]:
    """Write a grub.cfg with one entry."""
    text = f"menuentry x {{\nlinux {kernel} {line}\ninitrd {' '.join(initrds)}\n}}\n"
    return {"boot/grub/grub.cfg": text.encode()}


def bls(kernel: str, initrds: Sequence[str], line: str) -> dict[str, bytes]:
    """Write an entry's file, and a loader.conf that means it."""
    files = "".join(f"initrd {each}\n" for each in initrds)
    entry = f"linux {kernel}\n{files}options {line}\n"
    return {
        "boot/loader/entries/x.conf": entry.encode(),
        "boot/loader/loader.conf": b"default x.conf\n",
    }


def extlinux(kernel: str, initrds: Sequence[str], line: str) -> dict[str, bytes]:
    """Write an extlinux.conf with one label."""
    said = f"LINUX {kernel}\nINITRD {','.join(initrds)}\nAPPEND {line}\n"
    return {"boot/extlinux/extlinux.conf": f"LABEL x\n{said}".encode()}


WRITTEN: Final[Mapping[str, Written]] = {"grub": grub, "bls": bls, "extlinux": extlinux}
