"""GRUB's commands, as far as they decide what boots.

A command that isn't here does nothing to that, and GRUB goes on after it.
"""

from collections.abc import Mapping
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.formats import grubenv
from kpstore.loaders.grub import loading
from kpstore.loaders.grub.blscfg import blscfg
from kpstore.loaders.grub.condition import holds
from kpstore.loaders.grub.devices import split
from kpstore.loaders.grub.machine import Builtin, Machine
from kpstore.loaders.grub.search import search, search_by
from kpstore.loaders.grub.status import BAD_ARGUMENT, BAD_FILE_TYPE, FALSE, NOT_FOUND


def _set(machine: Machine, args: list[str]) -> int:
    if not args:
        return 0
    name, is_one, value = args[0].partition("=")
    if not is_one:
        return BAD_ARGUMENT
    machine.variables.set(name, value)
    return 0


def _unset(machine: Machine, args: list[str]) -> int:
    if not args:
        return BAD_ARGUMENT
    machine.variables.unset(args[0])
    return 0


def _export(machine: Machine, args: list[str]) -> int:
    machine.variables.export(args)
    return 0 if args else BAD_ARGUMENT


def _test(machine: Machine, args: list[str]) -> int:
    words = args[:-1] if args[-1:] == ["]"] else args
    return 0 if holds(words, machine.files) else FALSE


def _load_env(machine: Machine, args: list[str]) -> int:
    path, names = _block(machine, args)
    data = machine.files.data(path)
    if data is None:
        return NOT_FOUND
    try:
        block = grubenv.variables(data)
    except InvalidInput as error:
        machine.note(f"{split(path)[1]}: {error.message}, and GRUB reads none of it")
        return BAD_FILE_TYPE
    read = {name: value.decode("utf-8", "replace") for name, value in block.items()}
    for name, value in {**read, **machine.saved}.items():
        if not names or name in names:
            machine.variables.set(name, value)
    return 0


def _save_env(machine: Machine, args: list[str]) -> int:
    """Keep what would be saved; nothing is written."""
    _, names = _block(machine, args)
    machine.saved |= {name: machine.variables.get(name) for name in names}
    return 0


def _block(machine: Machine, args: list[str]) -> tuple[str, list[str]]:
    """Return the path of the block that is meant, and the names after it."""
    path, names = f"{machine.variables.get('prefix')}/grubenv", []
    rest = iter(args)
    for word in rest:
        if word in ("-f", "--file"):
            path = next(rest, "")
        elif word.startswith("--file="):
            path = word.removeprefix("--file=")
        elif word not in ("-s", "--skip-sig"):
            names.append(word)
    return path, names


def _source(machine: Machine, args: list[str]) -> int:
    if not args:
        return BAD_ARGUMENT
    machine.source(args[0])
    return 0


def _configfile(machine: Machine, args: list[str]) -> int:
    if not args:
        return BAD_ARGUMENT
    machine.variables.open()
    machine.menus.append([])
    machine.source(args[0])
    loading.choose(machine)
    machine.menus.pop()
    machine.variables.close()
    return 0


def _normal(machine: Machine, args: list[str]) -> int:
    machine.source(args[0] if args else f"{machine.variables.get('prefix')}/grub.cfg")
    loading.choose(machine)
    return 0


def _eval(machine: Machine, args: list[str]) -> int:
    return machine.evaluate(" ".join(args)) if args else BAD_ARGUMENT


def _leave(kind: str) -> Builtin:
    def command(machine: Machine, args: list[str]) -> int:
        count = args[0] if args else "1"
        if not count.isascii() or not count.isdigit() or int(count[:9]) == 0:
            return BAD_ARGUMENT
        return machine.leave(kind, int(count[:9]))

    return command


def _return(machine: Machine, args: list[str]) -> int:
    if machine.args is None or len(args) > 1:
        return BAD_ARGUMENT
    status = args[0] if args else machine.variables.get("?")
    if not status.isascii() or not status.isdigit():
        return BAD_ARGUMENT
    machine.leave("return")
    return int(status[:9])


def _shift(machine: Machine, args: list[str]) -> int:
    count = args[0] if args else "1"
    if machine.args is None:
        return 0
    if not count.isascii() or not count.isdigit() or int(count[:9]) > len(machine.args):
        return BAD_ARGUMENT
    del machine.args[: int(count[:9])]
    return 0


def _setparams(machine: Machine, args: list[str]) -> int:
    if machine.args is None:
        return BAD_ARGUMENT
    machine.args = list(args)
    return 0


def _add(change: int) -> Builtin:
    """Make Red Hat's `increment` or `decrement`."""

    def command(machine: Machine, args: list[str]) -> int:
        value = machine.variables.get(args[0]) if args else ""
        try:
            machine.variables.set(args[0], str(int(value[:18], 10) + change))
        except (ValueError, IndexError):
            return BAD_ARGUMENT
        return 0

    return command


def _unknown(name: str, status: int) -> Builtin:
    """Make a command whose answer only the machine has."""

    def command(machine: Machine, _: list[str]) -> int:
        what = "true" if status == 0 else "false"
        machine.note(f"what {name} says at a boot can't be known: taken for {what}")
        return status

    return command


def _say(status: int) -> Builtin:
    return lambda _machine, _args: status


BUILTINS: Final[Mapping[str, Builtin]] = {
    "[": _test,
    "test": _test,
    "true": _say(0),
    "false": _say(FALSE),
    "set": _set,
    "unset": _unset,
    "export": _export,
    "load_env": _load_env,
    "save_env": _save_env,
    "source": _source,
    ".": _source,
    "configfile": _configfile,
    "normal": _normal,
    "eval": _eval,
    "break": _leave("break"),
    "continue": _leave("continue"),
    "return": _return,
    "shift": _shift,
    "setparams": _setparams,
    "increment": _add(1),
    "decrement": _add(-1),
    "search": search,
    "search.file": search_by("file"),
    "search.fs_uuid": search_by("uuid"),
    "search.fs_label": search_by("label"),
    "search_fs_file": search_by("file"),
    "search_fs_uuid": search_by("uuid"),
    "search_label": search_by("label"),
    "blscfg": blscfg,
    "bls_import": blscfg,
    "keystatus": _unknown("keystatus", FALSE),
    "cpuid": _unknown("cpuid", FALSE),
    "uki": _unknown("uki", 0),
    "smbios": _unknown("smbios", FALSE),
    "regexp": _unknown("regexp", FALSE),
    "probe": _unknown("probe", FALSE),
    "read": _unknown("read", 0),
    **loading.COMMANDS,
}
