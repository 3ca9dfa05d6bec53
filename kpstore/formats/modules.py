"""A kernel's module tree, `lib/modules/<release>`: what is in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, NotFound
from kpstore.formats.module_tree import Located, ModuleSurvey, module_name
from kpstore.formats.vermagic import release_of
from kpstore.model.names import RELEASE

_PACKED = re.compile(r"\.(?:xz|zst)$")
_FITTING = "weak-updates/"
_LIST_LIMIT = 1 << 25  # bytes of modules.builtin; Debian's has 10 KiB
_NO_MODULES = (
    "give the folder lib/modules/RELEASE that depmod worked on, with all that its "
    "links lead to; or leave modules out, where the kernel has all in itself"
)


@dataclass(frozen=True)
class ModulesFacts:
    """What a module tree holds.

    `release`: the folder's name. `modules`: names as modprobe knows them, `-` as
    `_`. `builtin`: those that the kernel has in itself. `indexed`: depmod has run.
    `built_for`: file -> the release that it was built for, empty where it doesn't
    tell; without weak-updates, which are other releases' that fit.
    """

    release: str
    modules: frozenset[str]
    builtin: frozenset[str]
    indexed: bool
    built_for: Mapping[str, str] = field(default_factory=dict)


def firmware_name(path: str) -> str:
    """Return a firmware file's name as drivers ask for it: not packed."""
    return _PACKED.sub("", path)


def read_modules(tree: Beneath, rel: str) -> ModulesFacts:
    """Read the tree `rel`, a folder named as its kernel's release.

    Raises NotFound without that folder, InvalidInput when it holds no module and
    no list of built-in ones, when none of those that its index names is there, or
    when it has a name that no release has.
    """
    release = PurePosixPath(rel).name
    if not re.fullmatch(RELEASE, release):
        raise InvalidInput(
            f"{rel!r} is not named as a kernel release is",
            hint="give the folder lib/modules/RELEASE of the kernel",
        )
    if not tree.is_dir(rel):
        raise NotFound(f"no module tree {rel!r}", hint="look at its path")
    survey = ModuleSurvey(tree, rel)
    names = (module_name(found.name) for found in survey.found)
    modules = frozenset(name for name in names if name)
    builtin, listed = _listed(tree, f"{rel}/modules.builtin"), _index(tree, rel)
    if not modules and (listed or survey.dropped or not builtin):
        lost = "".join(
            f"; {link} leads to none in the image" for link in survey.dropped
        )
        raise InvalidInput(f"{rel} holds no modules{lost}", hint=_NO_MODULES)
    built_for = {each.name: _built_for(tree, each.path) for each in _own(survey)}
    return ModulesFacts(release, modules, builtin, listed is not None, built_for)


def _own(survey: ModuleSurvey) -> Iterator[Located]:
    for each in survey.found:
        own = each.kind == "file" and not each.name.startswith(_FITTING)
        if own and module_name(each.name):
            yield each


def _built_for(tree: Beneath, path: str) -> str:
    with tree.open_read(path) as file:
        return release_of(file)


def read_firmware(tree: Beneath) -> frozenset[str]:
    """Return the firmware files that an image carries, named as drivers ask."""
    found: set[str] = set()
    for rel in ("lib/firmware", "usr/lib/firmware"):
        if tree.is_dir(rel):
            found.update(
                firmware_name(entry.path.removeprefix(f"{rel}/"))
                for entry in tree.walk(rel)
                if entry.kind != "directory"
            )
    return frozenset(found)


def _index(tree: Beneath, rel: str) -> frozenset[str] | None:
    """Return what modules.dep names; None where depmod has not run."""
    path = f"{rel}/modules.dep"
    return _listed(tree, path) if tree.is_file(path) else None


def _listed(tree: Beneath, rel: str) -> frozenset[str]:
    """Read modules.builtin or modules.dep: a line begins with the path of a .ko."""
    if not tree.is_file(rel):
        return frozenset()
    lines = tree.read(rel, _LIST_LIMIT).decode("utf-8", "replace").splitlines()
    paths = (line.partition(":")[0].strip() for line in lines)
    return frozenset(name for path in paths if (name := module_name(path)))
