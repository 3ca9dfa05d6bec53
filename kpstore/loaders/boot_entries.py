"""Boot Loader Specification, type 1: the files that several loaders read.

Format: https://uapi-group.org/specifications/specs/boot_loader_specification/
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kpstore.loaders.listing import Listed, expand, tokens
from kpstore.loaders.tree import Tree
from kpstore.model.versions import rpm_key

FOLDERS: Final = ("boot/loader", "efi/loader", "boot/efi/loader")
COUNTED: Final = re.compile(r"\+\d+(-\d+)?$")
"""A count of tries at the end of an entry's name."""


def fields(text: str) -> dict[str, list[str]]:
    """Read an entry or loader.conf: each key's values, in their order."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, *value = line.strip().split(maxsplit=1) or [""]
        if key and not key.startswith("#"):
            found.setdefault(key, []).append("".join(value))
    return found


def first(said: Mapping[str, Sequence[str]], key: str) -> str:
    """Return a key's first value; nothing without one."""
    return next(iter(said.get(key, ())), "")


def read_entries(
    tree: Tree,
    environment: Mapping[str, str],
    folders: Sequence[str] = FOLDERS,
) -> list[Listed]:
    """Read the entries in those folders, the newest name first, as GRUB orders them.

    `environment` fills in what GRUB would.
    """
    named = dict(_named(tree, folders))
    newest_first = sorted(named, key=_rpm_name, reverse=True)
    return [_entry(fields(named[name]), name, environment) for name in newest_first]


def _rpm_name(name: str) -> list[list[tuple[int, int, str]]]:
    """Order names as rpm does those of packages: by name, version and release."""
    parts = name.rsplit("-", maxsplit=2)
    return [rpm_key(part) for part in (*parts, "", "")[:3]]


def _named(tree: Tree, folders: Sequence[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in tree.matching(f"{folder}/entries/*.conf"):
            if text := tree.text(path):
                yield path.rpartition("/")[2].removesuffix(".conf"), text


def _entry(
    said: Mapping[str, Sequence[str]], name: str, environment: Mapping[str, str]
) -> Listed:
    options = expand(" ".join(said.get("options", ())), environment)
    initrds = expand(" ".join(said.get("initrd", ())), environment)
    return Listed(
        title=" ".join(said.get("title", ())),
        ident=COUNTED.sub("", name),
        kernel=first(said, "linux"),
        initrds=tuple(initrds.split()),
        words=tokens(options),
    )
