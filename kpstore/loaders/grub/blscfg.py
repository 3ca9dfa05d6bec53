"""Red Hat's `blscfg`: a menu entry for each file of the Boot Loader Specification.

By grub-core/commands/blscfg.c of Fedora, which is not systemd-boot's way: the newest
name comes first, by rpm's rules, and of equal ones there is one; variables in `options`
are filled in, each with a blank after it; what makes an entry is a script. Newer ones
list unified images of the ESP too, and start what `efi` names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from kpstore.formats.versions import rpm_key
from kpstore.loaders.grub.machine import Machine
from kpstore.loaders.grub.menu import MenuEntry
from kpstore.loaders.programs import ESPS
from kpstore.loaders.tree import on_fat

_FOLDERS: Final = ("/loader/entries", "/boot/loader/entries")
_SUFFIX: Final = ".conf"
_UNLISTED: Final = "newer GRUBs of Red Hat list it too, and kp does not"
_BRACES: Final = re.compile(r"\$\{[^}]*\}?")
_OFTEN_UNSET: Final = ("tuned_params", "tuned_initrd")  # tuned is not everywhere
_PARTS: Final = 3  # name, version, release

Fields = dict[str, list[str]]


def blscfg(machine: Machine, args: list[str]) -> int:
    """Add the entries, or those that an argument names: `default`, a folder, an id."""
    path, shown = _meant(args)
    for name, fields in _entries(machine, path):
        if name not in machine.listed and _is_shown(machine, shown, name, fields):
            machine.menus[-1].append(_entry(machine, name, fields))
            machine.listed.add(name)
    return 0


def _meant(args: list[str]) -> tuple[str, str]:
    """Return the path that is given, and which entries: by Red Hat's, or by 2.14."""
    path, shown, rest = "", "", iter(args)
    for word in rest:
        name, _, value = _OPTIONS.get(word, word).partition("=")
        if name in ("--path", "--entry"):
            given = value or next(rest, "")
            path, shown = (given, shown) if name == "--path" else (path, given)
        elif name.startswith("--"):
            shown = name.removeprefix("--show-") if "show" in name else shown
        elif word.startswith(("(", "/")):
            path = word
        elif len(args) == 1:
            shown = word
    return path, shown


_OPTIONS: Final = {
    "-p": "--path",
    "-e": "--entry",
    "-f": "--enable-fallback",
    "-d": "--show-default",
    "-n": "--show-non-default",
}


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
    _say_unlisted(machine)
    for same in _newest_first(found):
        name = same[0].removesuffix(_SUFFIX)
        if len(same) > 1:
            machine.note(f"of {' and '.join(same)}, one to it, which it lists")
        fields = _fields(found[same[0]])
        _say_unread(machine, name, fields, found[same[0]])
        if "linux" in fields:
            yield name, fields
        elif efi := fields.get("efi"):
            machine.note(f"{name} starts {efi[0]}: {_UNLISTED}")


def _say_unread(machine: Machine, name: str, fields: Fields, text: str) -> None:
    said = sum(map(len, fields.values()))
    lines = [line.strip() for line in text.splitlines()]
    if said < sum(bool(line) and not line.startswith("#") for line in lines):
        machine.note(
            f"{name} is read up to its first line without a value, not further"
        )
    if len(fields.get("options", ())) > 1:
        machine.note(f"of the lines of options of {name} the first one counts")


def _newest_first(names: Iterable[str]) -> Iterator[list[str]]:
    """Yield the names that are of one age together."""
    for _, same in groupby(sorted(names, key=_age, reverse=True), key=_age):
        yield [*same]


def _say_unlisted(machine: Machine) -> None:
    """Name what newer ones find on the ESP beside their own entries."""
    tree, own = machine.files.tree, machine.files.place(_FOLDERS[0])
    for esp in ESPS:
        images = on_fat(tree, esp, "EFI/Linux/*.efi")
        entries = on_fat(tree, esp, f"loader/entries/*{_SUFFIX}")
        others = (each for each in entries if each.rpartition("/")[0] != own)
        if esp != "boot":
            for path in (*images, *others):
                machine.note(f"/{path}: {_UNLISTED}")


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
    said = (*fields.get("options", ("",))[:1], values["default_kernelopts"])
    filled = (_filled(machine, each) for each in said)
    options = next((each for each in filled if each is not None), "")
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


def _filled(machine: Machine, text: str) -> str | None:
    """Fill variables in as blscfg does (expand_val); None: there is nothing.

    What stands alone between two of them, one letter, it loses.
    """
    for braces in _BRACES.findall(text):
        machine.note(f"{braces} of an entry: blscfg knows no braces")
    made: str | None = None
    start = end = 0
    in_name = False
    for at, letter in enumerate(text):
        if letter == "$":
            if start != end:
                made = _added(machine, made, text[start : end + 1], in_name)
                if made is None:
                    return None
            in_name, start = True, at + 1
        elif in_name and not (letter.isascii() and letter.isalnum()) and letter != "_":
            made = _added(machine, made, text[start : end + 1], in_name)
            in_name, start = False, at + (letter == " ")
        end = at
    if start != end:
        made = _added(machine, made, text[start : end + 1], in_name)
    return made


def _added(machine: Machine, made: str | None, text: str, is_name: bool) -> str | None:
    if not is_name:
        return (made or "") + text
    if machine.variables.has(text):
        return f"{made or ''}{machine.variables.get(text)} "
    if text and text not in _OFTEN_UNSET:
        machine.note(f"${text}, which entries name, is set nowhere")
    return made
