"""Commands from a cold start, beside the floor that typer sets."""

import os
import subprocess
import sys
from pathlib import Path

from bench.clock import Table, medians, section
from bench.world import World

_FLOOR = """
import typer
app = typer.Typer()
@app.command()
def main(name: str = "x", count: int = 1, json: bool = False) -> None:
    print(name, count, json)
app()
"""


def measure(place: Path, world: World, report: Table) -> None:
    """Fill the table with cold commands."""
    floor = place / "floor.py"
    floor.write_text(_FLOOR)
    site = str(world.where / "site")
    kp = str(Path(sys.executable).with_name("kp"))
    # Installed, kp is compiled; unsaid, all of it would be compiled at every start.
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def runs(*command: str) -> object:
        return lambda turn: subprocess.run(
            command, check=True, capture_output=True, env=environ
        )

    commands = {
        "floor": runs(sys.executable, str(floor)),
        "kp status": runs(kp, "--site", site, "status"),
        "kp log -n 20": runs(kp, "--site", site, "log", "-n", "20"),
        "kp node show": runs(kp, "--site", site, "node", "show", "n000007"),
        "kp why": runs(kp, "--site", site, "why", "n000007"),
        "kp plan": runs(kp, "--site", site, "plan"),
        "kp node list": runs(kp, "--site", site, "node", "list"),
    }
    with section("cold commands, 100,000 nodes"):
        found = medians(commands, 9)
    floor_time = found["floor"]
    report.note("a minimal typer program", f"{floor_time * 1000:.0f} ms")
    for name in ("kp status", "kp log -n 20"):
        report.at_most(f"{name} / that", found[name] / floor_time, 1.25)
    for name in ("kp node show", "kp why", "kp plan"):
        report.at_most(f"{name} / that", found[name] / floor_time, 1.5)
    more = found["kp node list"] - found["kp status"]
    report.at_most("kp node list, 100,000 nodes, above kp status", more, 0.5, " s")
