"""kp on streams that can't be written: closed, full, without a reader, without letters.

One process runs many commands, each on streams that are made as Python makes them when
it starts, and flushed as it does when it ends.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What stdout and stderr are. `file` takes all; `ascii` is a file that lacks letters.
CONDITIONS: Final = {
    "closed": ("closed", "file"),
    "full": ("full", "file"),
    "gone": ("gone", "file"),
    "ascii": ("ascii", "ascii"),
    "both closed": ("closed", "closed"),
    "both full": ("full", "full"),
    "both gone": ("gone", "gone"),
}
USER: Final = "j\u00f6rg"

_DRIVER: Final = r"""
import io, json, os, sys
from pathlib import Path
from kpcmd.app import main
from kpcmd.context import World

site, user = Path(sys.argv[1]), sys.argv[2]
saved, out = os.dup(1), os.dup(1)
scratch = [os.open(name, os.O_RDWR | os.O_CREAT, 0o600) for name in sys.argv[3:5]]

def place(kind, number, file):
    if kind == "closed":
        os.close(number)
        return None
    if kind == "gone":
        reader, writer = os.pipe()
        os.close(reader)
    else:
        path = "/dev/full" if kind == "full" else file
        writer = os.open(path, os.O_WRONLY | os.O_TRUNC)
    os.dup2(writer, number)
    os.close(writer)
    encoding = "ascii" if kind == "ascii" else "utf-8"
    errors = "strict" if number == 1 else "backslashreplace"
    return open(number, "w", encoding=encoding, errors=errors, closefd=False)

def flushed(stream):
    try:
        if stream is not None:
            stream.flush()
        return True
    except (OSError, ValueError):
        return False

for line in sys.stdin:
    kinds, words = json.loads(line)
    for number in (1, 2):
        os.dup2(saved, number)
    for name in sys.argv[3:5]:
        os.truncate(name, 0)
    world = World(user=user, host="head", site=site)
    sys.stderr = place(kinds[1], 2, sys.argv[4])
    sys.stdout = place(kinds[0], 1, sys.argv[3])
    try:
        status = main(words, world)
    except BaseException as error:
        status = repr(error)
    good = flushed(sys.stdout)
    flushed(sys.stderr)
    if not good and isinstance(status, int):
        status = 120
    said = [Path(name).read_text("utf-8") for name in sys.argv[3:5]]
    head = site / "state.git/refs/heads/main"
    tip = head.read_text() if head.exists() else ""
    os.write(out, (json.dumps([status, tip, *said]) + "\n").encode())
    os.dup2(saved, 1); os.dup2(saved, 2)
"""


@dataclass(frozen=True)
class Ended:
    """What came of one command; `status` is text for an exception that got out."""

    words: tuple[str, ...]
    status: int | str
    main: str
    out: str
    err: str


def run_all(
    site: Path, where: Path, condition: str, commands: Iterable[Sequence[str]]
) -> list[Ended]:
    """Run commands one after the other; `where` is a folder for what they print."""
    words = [tuple(each) for each in commands]
    kinds = CONDITIONS.get(condition, ("file", "file"))
    names = (str(where / "stdout"), str(where / "stderr"))
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER, str(site), USER, *names],
        input="".join(f"{json.dumps([kinds, each])}\n" for each in words),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(words), found[-1:]
    return [Ended(each, *line) for each, line in zip(words, found, strict=True)]
