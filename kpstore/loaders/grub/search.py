"""GRUB's `search`: which device has a file, a UUID or a label."""

from typing import Final

from kpstore.loaders.grub.machine import Builtin, Machine
from kpstore.loaders.grub.status import BAD_ARGUMENT, NOT_FOUND

_SHORT: Final = {"f": "file", "l": "label", "u": "fs-uuid", "s": "set", "h": "hint"}
_KINDS: Final = {"file": "file", "label": "label", "fs-uuid": "uuid"}


def search(machine: Machine, args: list[str]) -> int:
    """Set a variable to the device that is found; hints are for real machines."""
    kind, variable, names = "", "", []
    sets = False
    rest = list(args)
    while rest:
        word = rest.pop(0)
        option, value = _option(word, rest)
        if not option:
            names.append(word)
        elif option == "set":
            sets, variable = True, value
        kind = _KINDS.get(option, kind)
    if not names and variable:
        names, variable = [variable], "root"
    if not names or not kind:
        return BAD_ARGUMENT
    return _found(machine, kind, names[0], (variable or "root") if sets else "")


def _option(word: str, rest: list[str]) -> tuple[str, str]:
    """Return an option's long name and value, which may be the next of `rest`."""
    if not word.startswith("-") or len(word) == 1:
        return "", ""
    name, has_value, value = word.removeprefix("--").partition("=")
    if not word.startswith("--"):
        name, has_value = _SHORT.get(word[-1], word[-1]), ""
        if len(word) > len("-x") and (kinds := [*_kinds_in(word)]):
            rest[:0] = [f"--{kind}" for kind in kinds]
    takes = name == "set" or name.startswith("hint")
    if takes and not has_value and rest and not rest[0].startswith("-"):
        value = rest.pop(0)
    return name, value


def _kinds_in(word: str) -> list[str]:
    return [_SHORT[letter] for letter in word[1:-1] if letter in "flu"]


def search_by(kind: str) -> Builtin:
    """Make the command that searches for one kind: WHAT, a variable, hints."""

    def command(machine: Machine, args: list[str]) -> int:
        if not args:
            return BAD_ARGUMENT
        return _found(machine, kind, args[0], args[1] if len(args) > 1 else "")

    return command


def _found(machine: Machine, kind: str, name: str, variable: str) -> int:
    if kind == "file":
        device = machine.files.device_with(name)
    else:
        device = machine.devices.called(kind, name)
    if device is None:
        return NOT_FOUND
    if variable:
        machine.variables.set(variable, device)
    return 0
