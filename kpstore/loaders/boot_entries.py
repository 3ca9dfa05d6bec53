"""Boot Loader Specification, type 1: the files that several loaders read.

Format: https://uapi-group.org/specifications/specs/boot_loader_specification/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kpstore.formats.versions import rpm_key
from kpstore.loaders.listing import Listed, expand, tokens
from kpstore.loaders.tree import Tree

_FOLDER: Final = "boot/loader"
COUNTED: Final = re.compile(r"\+(\d+)(?:-(\d+))?$")
"""A count of tries at the end of an entry's name: those left, those done."""


def fields(text: str) -> dict[str, list[str]]:
    """Read an entry or loader.conf: each key's values, in their order."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, *value = line.strip().split(maxsplit=1) or [""]
        if key and not key.startswith("#"):
            found.setdefault(key, []).append("".join(value))
    return found


def first(said: Mapping[str, Sequence[str]], key: str) -> str:
    """Return a key's first value; nothing without one."""
    return next(iter(said.get(key, ())), "")


def read_entries(
    tree: Tree, environment: Mapping[str, str], folder: str = _FOLDER
) -> list[Listed]:
    """List a folder's entries as GRUB's blscfg does, the newest name first.

    `environment` has GRUB's variables; to GRUB a count of tries is a part of the name.
    Follows grub-core/commands/blscfg.c of Fedora.
    """
    named = dict(_named(tree, folder))
    newest_first = sorted(named, key=_rpm_name, reverse=True)
    read = ((name, fields(named[name])) for name in newest_first)
    return [_entry(said, name, environment) for name, said in read if "linux" in said]


def _rpm_name(name: str) -> list[list[tuple[int, int, str]]]:
    """Order names as rpm does those of packages: by name, version and release."""
    parts = name.rsplit("-", maxsplit=2)
    return [rpm_key(part) for part in (*parts, "", "")[:3]]


def _named(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    for path in tree.matching(f"{folder}/entries/*.conf"):
        if text := tree.text(path):
            yield path.rpartition("/")[2].removesuffix(".conf"), text


def _entry(
    said: Mapping[str, Sequence[str]], name: str, environment: Mapping[str, str]
) -> Listed:
    kernel = first(said, "linux")
    options = said.get("options") or [environment.get("default_kernelopts", "")]
    initrds = expand(" ".join(said.get("initrd", ())), environment).split()
    beside = (initrds or [kernel])[0].rpartition("/")[0]
    early = environment.get("early_initrd", "").split()
    return Listed(
        title=first(said, "title") or kernel,
        ident=name,
        kernel=kernel,
        initrds=(*(f"{beside}/{each}" for each in early), *initrds),
        words=tokens(expand(options[0], environment)),
    )
