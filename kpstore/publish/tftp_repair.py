"""Mending a target: what others changed is copied aside before kp draws it anew."""

import os
import stat
from collections.abc import Collection
from pathlib import Path

from kpstore.disk.durable import (
    Batch,
    make_directories,
    remove_tree,
    replace_link,
    sync_directory,
)
from kpstore.publish.checked import checked
from kpstore.publish.generation import Generation
from kpstore.publish.target import Artifacts, Finding
from kpstore.publish.tftp_defaults import Defaults
from kpstore.publish.tftp_entries import entry_texts
from kpstore.publish.tftp_layout import KP, LIVE, Layout
from kpstore.publish.tftp_verify import OBJECT_MODE
from kpstore.publish.tftp_wanted import Wanted


def mend(
    layout: Layout,
    want: Wanted,
    generation: Generation,
    artifacts: Artifacts,
    findings: Collection[Finding],
    found: Path,
) -> None:
    """Mend what publishing the generation anew would not, and clear its way.

    That mends missing parts, and the links of entry points and of the live
    generation. Each file here is replaced in one step; what was there is in `found`
    before.
    """
    files = want.files()
    objects = {each.path: each.sha256 for each in generation.objects}
    for finding in findings:
        path, inside = layout.path(finding.path), finding.path.startswith(f"{KP}/")
        if finding.kind == "mode":
            path.chmod(_mode_for(path) if inside else path.stat().st_mode | 0o755)
        elif inside and finding.kind != "unfinished":
            if not _aside(layout, finding.path, found):
                continue
            if finding.path in files:
                _clear(layout, path)
                _rewrite(layout, path, files[finding.path])
            elif finding.path in objects:
                source = checked(artifacts, objects[finding.path])
                _clear(layout, path)
                _recopy(layout, path, source)
            else:
                _clear_way(layout, finding)
    _take_entries(layout, generation, findings, found)


def _clear_way(layout: Layout, finding: Finding) -> None:
    """Remove what the new generation won't replace by itself."""
    path = layout.path(finding.path)
    if finding.path == LIVE:
        _clear(layout, path)
    elif finding.kind == "extra" or not finding.path.startswith(f"{LIVE}/"):
        remove_tree(path, layout.path(KP))


def adopt(
    layout: Layout, defaults: Defaults, found: Path, kept: Collection[str] = ()
) -> list[str]:
    """Put kp's default files in the place of foreign ones but `kept`; name those."""
    taken, foreign = [], {*defaults.foreign()} - {*kept}
    for names in layout.entries:
        path = names.default_path
        if path in foreign and _aside(layout, path, found):
            _clear(layout, layout.path(path))
            defaults.put(names)
            taken.append(path)
    return taken


def _take_entries(
    layout: Layout, generation: Generation, findings: Collection[Finding], found: Path
) -> None:
    """Replace foreign files that are in a node's way; others stay."""
    foreign = {finding.path for finding in findings if finding.kind == "foreign"}
    for names in layout.entries if foreign else ():
        for name, text in entry_texts(names, generation.nodes).items():
            path = f"{names.folder}/{name}"
            if path in foreign and _aside(layout, path, found):
                _clear(layout, layout.path(path))
                replace_link(layout.path(path), text)
                sync_directory(layout.path(names.folder))


def _mode_for(path: Path) -> int:
    if path.is_dir():
        return 0o755
    return OBJECT_MODE if path.parent.parent.name == "objects" else 0o644


def _rewrite(layout: Layout, path: Path, data: bytes) -> None:
    with Batch(temps=layout.path(KP)) as batch:
        batch.file(path, data)
        batch.commit()


def _recopy(layout: Layout, path: Path, source: Path) -> None:
    with Batch(temps=layout.path(KP)) as batch:
        batch.copy(path, source)
        batch.commit()


def _clear(layout: Layout, path: Path) -> None:
    """Remove a directory, which a rename can't replace."""
    if path.is_dir() and not path.is_symlink():
        remove_tree(path, layout.path(KP))


def _aside(layout: Layout, path: str, found: Path) -> bool:
    """Copy a file, link or directory into `found`; False if it is a device or so."""
    with Batch() as batch:
        kept = _add(batch, layout.path(path), found / path)
        batch.commit()
    return kept


def _add(batch: Batch, source: Path, aside: Path) -> bool:
    try:
        mode = os.lstat(source).st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISLNK(mode):
        batch.link(aside, str(source.readlink()))
    elif stat.S_ISREG(mode):
        batch.copy(aside, source, mode=stat.S_IMODE(mode))
    elif stat.S_ISDIR(mode):
        make_directories(aside)
        kept = [_add(batch, child, aside / child.name) for child in source.iterdir()]
        return all(kept)
    return stat.S_ISLNK(mode) or stat.S_ISREG(mode)
