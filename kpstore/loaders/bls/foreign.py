"""Reading a distribution's boot loader entries (BLS) and `extlinux.conf`.

Formats: https://uapi-group.org/specifications/specs/boot_loader_specification/ and
https://wiki.syslinux.org/wiki/index.php?title=Config
"""

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kpstore.loaders.listing import Listed, expand, tokens, version_key

_INITRD: Final = re.compile(r"(?:^| )initrd=([^ ]*)")
_COUNTED: Final = re.compile(r"\+\d+(-\d+)?$")


def read_entries(
    files: Mapping[str, str], environment: Mapping[str, str]
) -> list[Listed]:
    """Read entry files (name -> text), newest version first, as loaders order them."""
    found = [
        (_fields(text), name.removesuffix(".conf")) for name, text in files.items()
    ]
    found.sort(key=lambda each: version_key(each[1]), reverse=True)
    found.sort(key=lambda each: version_key(_first(each[0], "version")), reverse=True)
    return [_entry(fields, ident, environment) for fields, ident in found]


def choose_entry(entries: Sequence[Listed], loader_conf: str) -> Listed | None:
    """Return what loader.conf's pattern means, without one the first entry."""
    pattern = _setting(loader_conf, "default") or "*"
    if pattern.startswith("@"):  # the firmware's variables say it
        return None
    matches = (
        each
        for each in entries
        if fnmatch.fnmatchcase(f"{each.ident}.conf", pattern)
        or fnmatch.fnmatchcase(each.ident, pattern)
    )
    return next(matches, None)


def read_extlinux(text: str) -> Listed | None:
    """Return what an extlinux.conf boots by default."""
    default, labels = "", dict[str, dict[str, str]]()
    here: dict[str, str] = {}
    for line in text.splitlines():
        word, _, value = line.strip().partition(" ")
        key, value = word.lower(), value.strip()
        if key == "label":
            here = labels.setdefault(value, {})
        elif key == "menu" and value.lower() == "default":
            default = default or next(reversed(labels), "")
        elif key == "default" and not labels:
            default = value
        else:
            here.setdefault(key, value)
    name = default if default in labels else next(iter(labels), "")
    return _label(name, labels[name]) if labels else None


def _label(name: str, fields: Mapping[str, str]) -> Listed:
    kernel = fields.get("linux") or fields.get("kernel") or ""
    line = fields.get("append", "")
    packed = fields.get("initrd") or ",".join(_INITRD.findall(line))
    initrds = tuple(file for file in packed.split(",") if file)
    return Listed(name, name, kernel, initrds, tokens(line))


def _entry(
    fields: Mapping[str, list[str]], ident: str, environment: Mapping[str, str]
) -> Listed:
    options = expand(" ".join(fields.get("options", ())), environment)
    initrds = expand(" ".join(fields.get("initrd", ())), environment)
    return Listed(
        title=" ".join(fields.get("title", ())),
        ident=_COUNTED.sub("", ident),
        kernel=_first(fields, "linux"),
        initrds=tuple(initrds.split()),
        words=tokens(options),
    )


def _first(fields: Mapping[str, list[str]], key: str) -> str:
    return next(iter(fields.get(key, ())), "")


def _fields(text: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for key, value in _pairs(text.splitlines()):
        fields.setdefault(key, []).append(value)
    return fields


def _setting(text: str, key: str) -> str:
    return next((v for k, v in _pairs(text.splitlines()) if k == key), "")


def _pairs(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        key, *value = line.strip().split(maxsplit=1)[:2] or [""]
        if key and not key.startswith("#"):
            yield key, "".join(value)
