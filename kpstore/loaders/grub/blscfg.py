"""Red Hat's `blscfg`: a menu entry for each file of the Boot Loader Specification.

By grub-core/commands/blscfg.c of Fedora, which is not systemd-boot's way: the newest
name comes first, by rpm's rules; variables in `options` are filled in, each with a
blank after it; what makes an entry is a script.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from kpstore.formats.versions import rpm_key
from kpstore.loaders.grub.machine import Machine
from kpstore.loaders.grub.menu import MenuEntry

_FOLDERS: Final = ("/loader/entries", "/boot/loader/entries")
_SUFFIX: Final = ".conf"
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z0-9_]*)\}|([A-Za-z0-9_]*)) ?")
_PARTS: Final = 3  # name, version, release

Fields = dict[str, list[str]]


def blscfg(machine: Machine, args: list[str]) -> int:
    """Add the entries, or those that an argument names: `default`, a folder, an id."""
    given = args[0] if len(args) == 1 else ""
    path = given if given.startswith(("(", "/")) else ""
    shown = "" if path else given
    for name, fields in _entries(machine, path):
        if name not in machine.listed and _is_shown(machine, shown, name, fields):
            machine.menus[-1].append(_entry(machine, name, fields))
            machine.listed.add(name)
    return 0


def _is_shown(machine: Machine, shown: str, name: str, fields: Fields) -> bool:
    default = machine.variables.get("default")
    is_default = default in (name, *fields.get("title", ()))
    if shown in ("default", "non-default"):
        return is_default == (shown == "default")
    return shown in ("", name)


def _entries(machine: Machine, path: str) -> Iterator[tuple[str, Fields]]:
    """Yield names and fields of the files that have a kernel, the newest first."""
    if path.endswith(_SUFFIX):
        found = {path.rpartition("/")[2]: machine.files.text(path) or ""}
    else:
        folder = machine.variables.get("blsdir")
        found = _texts(
            machine, [path] if path else [folder or _FOLDERS[0], _FOLDERS[1]]
        )
    names = sorted(found, key=_age, reverse=True)
    for name in names:
        fields = _fields(found[name])
        if "linux" in fields:
            yield name.removesuffix(_SUFFIX), fields


def _texts(machine: Machine, folders: list[str]) -> dict[str, str]:
    files = machine.files
    folder = next((each for each in folders if files.is_dir(each)), None)
    place = files.place(folder) if folder else None
    names = files.tree.names(place) if place else []
    ours = (name for name in names if name.endswith(_SUFFIX) and name[0] != ".")
    return {name: files.text(f"{folder}/{name}") or "" for name in ours}


def _age(name: str) -> list[list[tuple[int, int, str]]]:
    parts = name.removesuffix(_SUFFIX).rsplit("-", _PARTS - 1)
    return [rpm_key(part) for part in [*parts, "", ""][:_PARTS]]


def _fields(text: str) -> Fields:
    """Read a file up to a line that has no value, as GRUB does."""
    found: Fields = {}
    for line in text.replace("\r", "").split("\n"):
        if line.lstrip(" \t").startswith("#"):
            continue
        key, _, value = line.lstrip(" \t").replace("\t", " ").partition(" ")
        if not value:
            break
        found.setdefault(key, []).append(value.lstrip(" "))
    return found


def _entry(machine: Machine, name: str, fields: Fields) -> MenuEntry:
    kernel = fields["linux"][0]
    values = {each: machine.variables.get(each) for each in _NAMES}
    options = "".join(_filled(machine, each) for each in fields.get("options", [])[:1])
    options = options or _filled(machine, values["default_kernelopts"])
    lines = [f"linux ($root){kernel} {options}"]
    if initrds := [*_early(fields, values), *fields.get("initrd", ())]:
        lines.append("initrd " + " ".join(f"($root){path}" for path in initrds))
    if trees := fields.get("devicetree"):
        lines.append(f"devicetree ($root){trees[0]}")
    title = fields.get("title", [kernel])[0]
    args = (title, *fields.get("grub_arg", ()))
    return MenuEntry(args, name, source="\n".join(lines) + "\n")


_NAMES: Final = ("default_kernelopts", "early_initrd")


def _early(fields: Fields, values: Mapping[str, str]) -> list[str]:
    """Return what `$early_initrd` names: files beside the first initrd."""
    beside = fields.get("initrd", fields["linux"])[0].rpartition("/")[0]
    return [f"{beside}/{name}" for name in values["early_initrd"].split(" ") if name]


def _filled(machine: Machine, text: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return f"{machine.variables.get(name)} " if machine.variables.has(name) else ""

    return _VARIABLE.sub(value, text)
