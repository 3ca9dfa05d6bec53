"""The quick look at what is served: what changed since kp last wrote there.

Its cost doesn't grow with the nodes. What a writer leaves is noted in the index; a
writer takes the note away first, so one that is killed leaves nothing wrong behind,
only nothing known. What drifted stays noted until `kp publish` mends it.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from kpstore.conditions import TargetSpec
from kpstore.errors import KpError
from kpstore.history.index import Index
from kpstore.publish.served import ServedTftp, ServedTree
from kpstore.publish.target import Finding
from kpstore.site.settings import Settings

Drift = dict[str, list[Finding]]


class Sighted(NamedTuple):
    """A target with the place where it is looked at."""

    spec: TargetSpec
    served: ServedTftp | ServedTree


def path_of_target(settings: Settings, spec: TargetSpec) -> Path | None:
    """Return a target's path on this server."""
    if spec.kind == "image":
        return settings.trees.get(spec.image or "")
    return settings.roots.get(spec.name)


def sighted(settings: Settings, spec: TargetSpec) -> Sighted | None:
    """Return where a target is looked at; None where it has no path."""
    path = path_of_target(settings, spec)
    if path is None:
        return None
    if spec.kind == "image":
        return Sighted(spec, ServedTree(path))
    tftp = ServedTftp(path, spec.loaders, spec.prefix, spec.grub_dir)
    return Sighted(spec, tftp)


def drift(target: Sighted, index: Index | None) -> list[Finding] | None:
    """Return what changed on a target since kp wrote there; None: nothing is known."""
    if isinstance(target.served, ServedTree):
        return target.served.quick()
    noted = index.noted(_name(target.spec.name)) if index else None
    if not noted:
        return None
    note = json.loads(noted)
    if note["drift"]:
        return [Finding(**each) for each in note["drift"]]
    return target.served.quick(note["stamps"])


def look(targets: Iterable[Sighted], index: Index | None) -> Drift:
    """Return the drift of those targets that can be looked at, by name."""
    found: Drift = {}
    for target in targets:
        with suppress(KpError, OSError):  # its condition says that it can't be read
            found[target.spec.name] = drift(target, index) or []
    return {name: findings for name, findings in found.items() if findings}


def forget(targets: Iterable[Sighted], index: Index | None) -> None:
    """Take the notes away: a writer begins."""
    _note(index, {_name(target.spec.name): "" for target in targets})


def remember(
    targets: Iterable[Sighted], index: Index | None, known: Mapping[str, list[Finding]]
) -> None:
    """Note how the targets are left; `known` is drift that nobody mended."""
    notes: dict[str, str] = {}
    for target in targets:
        name = target.spec.name
        if isinstance(target.served, ServedTftp):
            with suppress(KpError, OSError):  # absent or damaged: nothing is known
                note = {"stamps": target.served.stamps(), "drift": known.get(name, [])}
                notes[_name(name)] = json.dumps(note, default=vars)
    _note(index, notes)


def _note(index: Index | None, notes: Mapping[str, str]) -> None:
    with suppress(KpError):  # the index is only an aid
        if index and notes:
            index.note(notes)


def _name(target: str) -> str:
    return f"seen {target}"
