"""GRUB itself as a process (grub-emu): it runs a configuration and tells what it boots.

grub-emu has no command that loads a kernel, so functions of those names tell what they
are given, in lines that begin with `KP`. It wants a terminal, and shows all on it.
"""

import fcntl
import os
import pty
import re
import select
import struct
import termios
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_LIMIT: Final = 60  # seconds for what takes a tenth of one
_SHOWN: Final = re.compile(r"KP (\w+)(?: <(.*?)>KP)?", re.DOTALL)
_TELL: Final = """\
function {name} {{
  echo "KP {name}"
  for kp_word in "$@"; do echo "KP word <$kp_word>KP"; done
  if [ -f "$1" ]; then {there}; else {gone}; fi
}}
"""
KERNELS: Final = ("linux", "linux16", "linuxefi", "multiboot2")
INITRDS: Final = ("initrd", "initrd16", "initrdefi", "module2")
HEAD: Final = (
    "".join(
        _TELL.format(name=name, there="set kp_there=y", gone="set kp_there=; false")
        for name in KERNELS
    )
    + "".join(_TELL.format(name=name, there="true", gone="false") for name in INITRDS)
    + """\
function kp_boot {
  if [ "$kp_there" ]; then
    echo "KP chosen <$chosen>KP"
    exit
  fi
  false
}
export kp_there
set grub_platform=pc
set grub_cpu=i386
menuentry_id_option=--id
export menuentry_id_option
set timeout=0
export timeout
"""
)
BOOT: Final = "kp_boot"


class Told(NamedTuple):
    """What GRUB was at when it booted: the entry's way, and what was loaded by then."""

    chosen: str
    kernel: str
    initrds: tuple[str, ...]
    words: tuple[str, ...]
    hypervisor: str


def boot(tree: Path, config: str) -> Told:
    """Let GRUB boot what the configuration of a tree says, at once."""
    path = tree / config
    path.write_text(HEAD + path.read_text())
    shown = _run(path.parent).replace("\r", "")
    found = [(each[1], each[2]) for each in _SHOWN.finditer(shown)]
    assert found and found[-1][0] == "chosen", f"GRUB did not boot:\n{shown}"
    return _told(found)


def _told(found: list[tuple[str, str]]) -> Told:
    commands: list[tuple[str, list[str]]] = []
    for name, word in found:
        if name == "word":
            commands[-1][1].append(word)
        else:
            commands.append((name, [word] if word else []))
    kernel, hypervisor = "", ""
    words: list[str] = []
    initrds: list[str] = []
    for name, args in commands[:-1]:
        if name.startswith("linux"):
            kernel, *words = args
            hypervisor, initrds = "", []
        elif name.startswith("initrd"):
            initrds = args
        elif name == "multiboot2":
            hypervisor, kernel, words, initrds = args[0], "", [], []
        elif kernel:
            initrds = [*initrds, args[-1]]
        else:
            kernel, _, *words = args
    chosen = "".join(commands[-1][1])
    shown = tuple(word for word in words if word)
    return Told(chosen, kernel, tuple(initrds), shown, hypervisor)


def _run(prefix: Path) -> str:
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "dumb"
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 500, 1000, 0, 0))
        os.execvp("grub-emu", ["grub-emu", "-r", "host", "-d", str(prefix)])
    try:
        return _shown(terminal)
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, 9)
        os.waitpid(process, 0)
        os.close(terminal)


def _shown(terminal: int) -> str:
    shown = b""
    while select.select([terminal], [], [], _LIMIT)[0]:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # the process has ended
            break
        if not part:
            break
        shown += part
    return shown.decode("utf-8", "replace")
