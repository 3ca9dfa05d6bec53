"""What a harness says at the end."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One bad thing: which fault, at which point (a call), and what was wrong."""

    fault: str
    point: int
    call: str
    wrong: str

    def __str__(self) -> str:
        return f"{self.fault} at {self.point} {self.call}: {self.wrong}"


@dataclass
class Report:
    """How much was tried (`points` of interruption, `runs` checked), what was bad."""

    name: str
    points: int = 0
    runs: int = 0
    findings: list[Finding] = field(default_factory=list)
    unreached: int = 0
    seconds: float = 0.0

    @property
    def bad(self) -> int:
        """The runs with at least one finding."""
        return len({(each.fault, each.point, each.call) for each in self.findings})

    def __str__(self) -> str:
        per_run = 1000 * self.seconds / max(1, self.runs)
        lines = [
            f"{self.name}: {self.points} points, {self.runs} runs, {self.bad} bad"
            f" ({self.seconds:.1f} s, {per_run:.1f} ms a run)"
        ]
        if self.unreached:
            lines.append(f"  {self.unreached} runs never reached their point")
        kinds = Counter(_kind(each.wrong) for each in self.findings)
        examples = {_kind(each.wrong): each for each in reversed(self.findings)}
        for kind, count in kinds.most_common(12):
            lines.append(f"  {count} x {examples[kind]}")
        return "\n".join(lines)


def _kind(wrong: str) -> str:
    """The same for findings that differ in ids and numbers only."""
    return re.sub(r"[0-9a-f]{7,}|\d+", "*", wrong)[:100]


def merged(name: str, parts: Iterable["Report"], seconds: float) -> Report:
    """One report out of those of several workers."""
    whole = Report(name, seconds=seconds)
    for part in parts:
        whole.points = max(whole.points, part.points)
        whole.runs += part.runs
        whole.findings += part.findings
        whole.unreached += part.unreached
    whole.findings.sort(key=lambda each: (each.fault, each.point))
    return whole
