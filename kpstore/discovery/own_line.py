"""The command line of an image whose loader has no file yet, by what would write one.

kernel-install(8) has it whole. grub-mkconfig makes it of /etc/default/grub, a shell's
file, and puts `root=` before it (util/grub.d/10_linux.in); an image that was made in a
folder has often no grub.cfg yet. What only a shell could tell isn't guessed.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Final

from kpstore.loaders.tree import Tree

GRUB: Final = "etc/default/grub"
_KERNEL_INSTALL: Final = ("etc/kernel/cmdline", "usr/lib/kernel/cmdline")
_MORE: Final = "etc/default/grub.d/*.cfg"  # Debian's
_NAMES: Final = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")
_SET: Final = re.compile(
    r"^\s*(?:export\s+)?(GRUB_CMDLINE_LINUX(?:_DEFAULT)?)=(.*)$", re.MULTILINE
)
_USED: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def of_kernel_install(tree: Tree) -> str:
    """Return the line that kernel-install gives every kernel; nothing without one."""
    texts = (tree.text(path) for path in _KERNEL_INSTALL)
    lines = next(filter(None, texts), "").splitlines()
    return " ".join(each for each in lines if not each.lstrip().startswith("#"))


def of_grub(tree: Tree) -> str | None:
    """Return the line without `root=`; None where only a shell could tell it."""
    values = dict.fromkeys(_NAMES, "")
    for text in _texts(tree):
        for name, said in _SET.findall(text):
            filled = _USED.sub(lambda used: values.get(used[1] or used[2], "$"), said)
            try:
                words = shlex.split(filled, comments=True)
            except ValueError:
                return None
            values[name] = words[0] if words else ""
    line = " ".join(filter(None, values.values()))
    return None if {*"$`"} & {*line} else line


def _texts(tree: Tree) -> Iterator[str]:
    for path in (GRUB, *tree.matching(_MORE)):
        yield tree.text(path) or ""
