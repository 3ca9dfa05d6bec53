"""The quick look at what is served: what changed since kp last wrote there.

Its cost doesn't grow with the nodes. What a writer leaves is noted in the index; a
writer takes the note away first, so one that is killed leaves nothing wrong behind,
only nothing known. What drifted stays noted until `kp publish` mends it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from kpstore.errors import KpError
from kpstore.site.reader import SiteReader
from kpstore.site.settings import Settings
from kpstore.targets.observed import Observed
from kpstore.targets.observers import observe
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import Finding, Look

Stamps = Mapping[str, str]
Drift = dict[str, list[Finding]]
Really = Callable[[str], list[Finding]]


class Sighted(NamedTuple):
    """A target with the place where it is looked at."""

    spec: TargetSpec
    served: Observed


def sighted(settings: Settings, spec: TargetSpec) -> Sighted | None:
    """Return where a target is looked at; None where it has no path."""
    path = settings.path_of(spec)
    return Sighted(spec, observe(spec, path)) if path else None


def drift(target: Sighted, site: SiteReader, *, files: bool = False) -> Look | None:
    """Return what is known to have changed on a target since kp wrote there.

    None: nothing is known, for no writer noted how it left the target. Where that is
    not all (`sure`), only a rendering of what it serves can tell. `files`: look at
    nodes' own files too, however many.
    """
    if not target.served.by_stamps:
        return target.served.quick({}, files=files)
    noted = site.noted(_name(target.spec.name))
    if not noted:
        damage = target.served.damage()
        return Look(damage, sure=True) if damage else None
    note = json.loads(noted)
    seen = target.served.quick(note["stamps"], files=files)
    known = [Finding(**each) for each in note["drift"]]  # a person may have mended it
    findings = list(dict.fromkeys([*known, *seen.findings]))
    return Look(findings, sure=seen.sure and not known)


def look(
    targets: Iterable[Sighted], site: SiteReader, really: Really, *, files: bool
) -> Drift:
    """Return the drift of those targets that can be looked at, by name.

    `really` compares a target with a rendering of what it serves: asked only where
    something changed that may be drift, and no other drift is known.
    """
    found: Drift = {}
    for target in targets:
        with suppress(KpError, OSError):  # its condition says that it can't be read
            seen = drift(target, site, files=files)
            if seen is None:
                continue
            name = target.spec.name
            settled = seen.sure or seen.findings
            found[name] = seen.findings if settled else really(name)
    drifted = {n: [f for f in each if f.is_drift] for n, each in found.items()}
    return {name: findings for name, findings in drifted.items() if findings}


def unknown(targets: Iterable[Sighted], site: SiteReader) -> set[str]:
    """Name those that go by stamps, and of which no writer noted how it left them."""
    stamped = [target.spec.name for target in targets if target.served.by_stamps]
    return {name for name in stamped if not site.noted(_name(name))}


def forget(targets: Iterable[Sighted], site: SiteReader) -> dict[str, Stamps]:
    """Take the notes away: a writer begins; return the stamps that they had."""
    names = [target.spec.name for target in targets]
    notes = {name: site.noted(_name(name)) for name in names}
    site.note({_name(name): "" for name in names})
    return {name: json.loads(note)["stamps"] for name, note in notes.items() if note}


def remember(
    targets: Iterable[Sighted],
    site: SiteReader,
    known: Mapping[str, list[Finding]],
    before: Mapping[str, Stamps],
    *,
    files: bool,
) -> None:
    """Note how the targets are left; `known` is drift that nobody mended.

    `before` are the stamps that they were looked at by, `files` how.
    """
    notes: dict[str, str] = {}
    for target in targets:
        name = target.spec.name
        if target.served.by_stamps:
            with suppress(KpError, OSError):  # absent or damaged: nothing is known
                stamps = target.served.stamps(before.get(name, {}), files=files)
                note = {"stamps": stamps, "drift": known.get(name, [])}
                notes[_name(name)] = json.dumps(note, default=vars)
    site.note(notes)


def _name(target: str) -> str:
    return f"seen {target}"
