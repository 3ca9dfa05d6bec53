"""`make bench`: measure all, print the table; exit 1 when a bound does not hold."""

import sys

from bench import audit, busy, cold, commits, flushes, images, verifying
from bench.clock import Table
from bench.place import private


def main() -> int:
    """Run every section on one private file system."""
    report = Table()
    with private() as place:
        worlds = commits.measure(place, report)
        world = worlds[100_000]
        flushes.measure(world, report)
        verifying.measure_quick(worlds[1_000], world, report)
        verifying.measure_deep(world, "100,000 nodes", report)
        cold.measure(place, world, report)
        own = commits.measure_own_files(place, report)
        verifying.measure_deep(own, "100,000 nodes with own files", report)
        images.measure(place, report)
        audit.measure(place, report)
        busy.measure(place, report)
    print(f"\n{report.markdown()}")
    return 0 if all(holds for *_, holds in report.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
