"""Mending a target: what others changed is copied aside before kp draws it anew."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from kpstore.disk.durable import Batch, remove_tree, sync_directory
from kpstore.targets.artifacts import checked
from kpstore.targets.tftp.compare import FILE_MODE
from kpstore.targets.tftp.expected import Wanted
from kpstore.targets.tftp.format import outgoing, retired
from kpstore.targets.tftp.format.aside import clear_folder, put_link, set_aside
from kpstore.targets.tftp.format.defaults import Defaults
from kpstore.targets.tftp.format.forms import entry_texts
from kpstore.targets.tftp.format.ground import mend_attributes
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    KP,
    LIVE,
    MENUS,
    OBJECTS,
    RETIRED,
    SHELVES,
    Layout,
)
from kpstore.targets.tftp.format.links import FOLDER_MODE, is_folder, kind_of
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.tftp.parts import OBJECT_MODE
from kpstore.targets.values import ArtifactSource, Finding


def mend(
    layout: Layout,
    want: Wanted,
    generation: Generation,
    artifacts: ArtifactSource,
    findings: Collection[Finding],
    found: Path,
) -> None:
    """Mend what publishing the generation anew would not, and clear its way.

    That mends missing parts, and the links of entry points and of the live
    generation. Each file here is replaced in one step; what was there is in `found`
    before.
    """
    files, links = want.files(), want.links()
    objects = {each.path: each.sha256 for each in generation.objects}
    spare = _spare(layout, want, findings) - objects.keys()
    _restore(layout, spare, findings, artifacts)
    for finding in findings:
        path, inside = layout.path(finding.path), finding.path.startswith(f"{KP}/")
        if finding.kind in ("mode", "owner"):
            _mend_attributes(layout, finding)
        elif inside and finding.kind not in ("unfinished", "spoiled"):
            set_aside(layout, finding.path, found)
            if finding.path in files:
                clear_folder(layout, finding.path)
                _rewrite(layout, path, files[finding.path])
            elif finding.path in links:
                put_link(layout, finding.path, links[finding.path])
                sync_directory(path.parent)
            elif finding.path in objects:
                source = checked(artifacts, objects[finding.path])
                clear_folder(layout, finding.path)
                _recopy(layout, path, source)
            else:
                _clear_way(layout, finding)
                if finding.path in spare:
                    outgoing.restore(layout, finding.path, artifacts)
    _take_entries(layout, generation, findings, found, flat=want.state.flat)


def _spare(layout: Layout, want: Wanted, findings: Collection[Finding]) -> set[str]:
    """Return the objects that only a way back or a retired menu needs."""
    if not any(each.path.startswith(OBJECTS) for each in findings):
        return set()
    kept = outgoing.named(layout, outgoing.kept(layout).parts)
    return {*kept, *outgoing.objects(layout, want.state)}


def _restore(
    layout: Layout,
    spare: Collection[str],
    findings: Collection[Finding],
    artifacts: ArtifactSource,
) -> None:
    """Copy those that are gone, where their artifacts can be had."""
    for finding in findings:
        if finding.kind == "spoiled" and finding.path in spare:
            outgoing.restore(layout, finding.path, artifacts)


def _mend_attributes(layout: Layout, finding: Finding) -> None:
    path = layout.path(finding.path)
    if not kind_of(path):  # it went with the folder that it was in
        return
    mode = OBJECT_MODE if finding.path.startswith(f"{OBJECTS}/") else FILE_MODE
    with suppress(PermissionError):  # another user's: only root can; verify says it
        mend_attributes(layout, finding, FOLDER_MODE if is_folder(path) else mode)


def _clear_way(layout: Layout, finding: Finding) -> None:
    """Remove what the new generation won't replace by itself."""
    path = layout.path(finding.path)
    home, _, name = finding.path.rpartition("/")
    if finding.path == LIVE:
        clear_folder(layout, LIVE)
    elif home == RETIRED and (text := retired.text_for(layout, name)):
        put_link(layout, finding.path, text)
        sync_directory(layout.path(RETIRED))
    elif finding.kind == "extra" or not finding.path.startswith(f"{LIVE}/"):
        remove_tree(path, layout.path(KP))


def adopt(
    layout: Layout, defaults: Defaults, found: Path, kept: Collection[str] = ()
) -> list[str]:
    """Put kp's default files in the place of foreign ones but `kept`; name those."""
    taken, foreign = [], {*defaults.foreign()} - {*kept}
    for names in layout.entries:
        path = names.default_path
        if path in foreign:
            set_aside(layout, path, found)
            clear_folder(layout, path)
            defaults.put(names)
            taken.append(path)
    return taken


def _take_entries(
    layout: Layout,
    generation: Generation,
    findings: Collection[Finding],
    found: Path,
    *,
    flat: bool,
) -> None:
    """Replace foreign files that are in a node's way; others stay."""
    foreign = {finding.path for finding in findings if finding.kind == "foreign"}
    for names in layout.entries if foreign else ():
        for name, text in entry_texts(names, generation.nodes, flat=flat).items():
            path = f"{names.folder}/{name}"
            if path in foreign:
                set_aside(layout, path, found)
                put_link(layout, path, text)
                sync_directory(layout.path(names.folder))


def _rewrite(layout: Layout, path: Path, data: bytes) -> None:
    with Batch(temps=layout.path(KP)) as batch:
        batch.file(path, data)
        batch.commit()


def _recopy(layout: Layout, path: Path, source: Path) -> None:
    with Batch(temps=layout.path(KP)) as batch:
        batch.copy(path, source)
        batch.commit()


def in_generation(findings: Collection[Finding]) -> bool:
    """Tell whether links of the live generation must be drawn anew."""
    return any(
        finding.kind in ("missing", "changed")
        and finding.path.startswith((LIVE, MENUS, GENERATIONS, SHELVES))
        for finding in findings
    )
