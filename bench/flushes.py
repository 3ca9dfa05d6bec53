"""Flush calls of one commit, counted by strace in a process of its own."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.clock import Table, section
from bench.world import World

_CALLS = "fsync,fdatasync,syncfs,sync,openat,symlink,symlinkat"
_CHILD = """
import json, sys, time
from pathlib import Path
from kpstore.operations.caller import Caller
from kpstore.edits import images
from kpstore.picker import KernelPicker
picker = KernelPicker.open(Path(sys.argv[1]), Caller("b", "b", ("b",), time.time))
print("ready", file=sys.stderr, flush=True)
with picker.edit("flip") as edit:
    now = edit.state.image("web").default
    images.set_default(edit.state, "web", "next" if now != "next" else "production")
print(json.dumps(edit.outcome.commit))
"""


def measure(world: World, report: Table) -> None:
    """Fill the table with the flush calls of an image-level commit."""
    if not shutil.which("strace"):
        report.note("flush calls", "no strace")
        return
    with section("flush calls"):
        calls, text = _traced(world)
        site = str(world.where / "site/state.git")
        made = re.findall(r'openat\([^"]*"([^"]+)", [^)]*O_CREAT', text)
        objects = sum("/objects/" in path and path.startswith(site) for path in made)
        links = len(re.findall(r"symlink(?:at)?\(", text))
        outside = links + sum(not path.startswith(site) for path in made)
        allowed = 14 + 2 * outside + 2 * objects
        report.at_most(
            "flush calls of an image change, 100,000 nodes", calls, allowed, ""
        )


def _traced(world: World) -> tuple[int, str]:
    log = world.where / "strace"
    command = ["strace", "-f", "-o", log, "-e", f"trace={_CALLS}"]
    site = world.where / "site"
    made = subprocess.run(
        [*command, sys.executable, "-c", _CHILD, site],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(made.stdout)
    text = Path(log).read_text()
    return len(re.findall(r"\b(?:fsync|fdatasync|syncfs|sync)\(", text)), text
