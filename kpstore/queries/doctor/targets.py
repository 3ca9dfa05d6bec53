"""What is served, held against what was committed."""

from collections.abc import Iterator
from typing import Final

from kpstore.queries.doctor.contract import Advice, Level, Visit
from kpstore.queries.verify import verify
from kpstore.targets.values import Condition

_CONDITIONS: Final[dict[Condition, tuple[Level, str]]] = {
    "live": ("ok", ""),
    "lagging": ("bad", "kp publish tries again and says why not"),
    "absent": ("bad", "mount it, or name its path in kp.toml"),
    "ahead": ("bad", "find out whose it is; kp publish --force TARGET takes it over"),
    "on hold": ("note", "a person holds it back"),
}
_KEPT: Final = "leave it, or move it away"


def targets(visit: Visit) -> Iterator[Advice]:
    """Verify every target; not deep, only what changed since kp wrote there."""
    for each in verify(visit.site, visit.now, deep=visit.deep):
        about = f"target {each.name}"
        level, mend = _CONDITIONS[each.condition]
        yield Advice(about, level, each.condition, mend)
        for found in each.findings:
            mend = _mend(each.name, each.condition) if found.is_drift else _KEPT
            level = "bad" if found.is_drift else "note"
            text = f"{found.path} is {found.kind} {found.detail}".rstrip()
            yield Advice(about, level, text, mend)


def _mend(target: str, condition: Condition) -> str:
    adopt = f"kp target adopt {target}, then "
    return f"{adopt if condition == 'absent' else ''}kp publish"
