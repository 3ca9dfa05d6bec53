"""GRUB's commands that load and start something, and the choice of an entry.

Kernel and initrds are the script's own paths, without their device.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.grub.devices import split
from kpstore.loaders.grub.machine import (
    BAD_ARGUMENT,
    NOT_FOUND,
    Builtin,
    Loaded,
    Machine,
)
from kpstore.loaders.grub.menu import MenuEntry, chosen
from kpstore.loaders.listing import NO_DEVICE_TREES, Listed, initrds_in

_DEEPEST: Final = 8  # submenus within each other


def _path(machine: Machine, path: str) -> str:
    """Return where a path leads in the tree, else the path without its device."""
    place = machine.files.place(path)
    return f"/{place}" if place else split(path)[1] or path


def _status(machine: Machine, path: str) -> int:
    return 0 if machine.files.is_file(path) else NOT_FOUND


def _linux(machine: Machine, args: list[str]) -> int:
    if not args:
        return BAD_ARGUMENT
    words = tuple(args[1:])
    machine.loaded = Loaded(_path(machine, args[0]), words)
    return _status(machine, args[0])


def _initrd(machine: Machine, args: list[str]) -> int:
    if not args or machine.loaded is None:
        return BAD_ARGUMENT
    paths = [each for word in args for each in _newc(word)]
    machine.loaded.initrds = tuple(_path(machine, path) for path in paths)
    return next(filter(None, (_status(machine, path) for path in paths)), 0)


def _newc(word: str) -> list[str]:
    """Leave out the name that `newc:NAME:PATH` gives a file."""
    return [word.rpartition(":")[2] if word.startswith("newc:") else word]


def _device_tree(machine: Machine, args: list[str]) -> int:
    """Note what is handed over beside the kernel; without a file, it is taken back."""
    if args:
        machine.note(f"the device tree {split(args[0])[1]}: {NO_DEVICE_TREES}")
    return _status(machine, args[0]) if args else 0


def _hypervisor(machine: Machine, args: list[str]) -> int:
    words = [word for word in args if not word.startswith("--")]
    if not words:
        return BAD_ARGUMENT
    machine.loaded = Loaded(hypervisor=_path(machine, words[0]))
    return _status(machine, words[0])


def _module(machine: Machine, args: list[str]) -> int:
    """Load what a hypervisor starts: a kernel, then its initrds."""
    loaded = machine.loaded
    given = args[args[0] == "--nounzip" :] if args else []
    if not given or loaded is None or not loaded.hypervisor:
        return BAD_ARGUMENT
    path = _path(machine, given[0])
    if loaded.kernel:
        loaded.initrds = (*loaded.initrds, path)
    else:
        rest = given[1:]
        loaded.kernel, loaded.words = path, tuple(rest[rest[:1] == ["placeholder"] :])
    return _status(machine, given[0])


def _chain(machine: Machine, args: list[str]) -> int:
    machine.loaded = Loaded() if args else machine.loaded
    return 0 if args else BAD_ARGUMENT


def _boot(machine: Machine, _: list[str]) -> int:
    return machine.end() if machine.loaded else BAD_ARGUMENT


def _leave(machine: Machine, _: list[str]) -> int:
    machine.loaded = None
    return machine.end()


def _fwsetup(machine: Machine, args: list[str]) -> int:
    """Go to the firmware's setup, unless it is only asked whether there is one."""
    return 0 if args == ["--is-supported"] else _leave(machine, args)


def choose(machine: Machine) -> None:
    """Boot the entry that the menu's default means, as nobody presses a key."""
    entries = machine.menus[-1]
    if machine.ended or not entries:
        return
    if not machine.chosen:
        machine.shown = machine.fork()
    default = machine.variables.get("default")
    at, rest = chosen(entries, default, by_name=is_red_hat(machine))
    enter(machine, entries[at], rest)
    machine.end()


def is_red_hat(machine: Machine) -> bool:
    """Tell whether it is Red Hat's GRUB, which takes defaults its own way."""
    return machine.by_name or bool(machine.listed)


def enter(machine: Machine, entry: MenuEntry, rest: str = "") -> None:
    """Run an entry, and what a submenu has of `rest`, a default, or of its first."""
    if len(machine.chosen) >= _DEEPEST:
        raise InvalidInput(f"submenus are nested more than {_DEEPEST} deep")
    machine.chosen = (*machine.chosen, entry)
    if entry.submenu:
        machine.variables.open()
        machine.menus.append([])
    _tell(machine, rest)
    machine.run_entry(entry)
    if entry.submenu and machine.loaded is None:
        choose(machine)


def _tell(machine: Machine, rest: str) -> None:
    """Set what GRUB sets for an entry: `chosen`, and the default of a submenu."""
    idents = (each.ident or each.title for each in machine.chosen)
    path = ">".join(ident.replace(">", ">>") for ident in idents)
    machine.variables.set("chosen", path)
    machine.variables.export(["chosen"])
    if rest:
        machine.variables.set("default", rest)
    elif not is_red_hat(machine):
        machine.variables.unset("default")


def listed(machine: Machine) -> Listed | None:
    """Return what the boot came to; None where there was nothing to choose from."""
    loaded = machine.loaded or Loaded()
    if not machine.chosen and not (machine.ended and machine.loaded):
        return None
    entry = machine.chosen[-1] if machine.chosen else MenuEntry(("",), "")
    return Listed(
        entry.title,
        entry.ident,
        loaded.kernel,
        loaded.initrds or initrds_in(loaded.words),
        tuple(word for word in loaded.words if word),
        loaded.hypervisor,
    )


def describe(machine: Machine, entry: MenuEntry) -> Listed:
    """Return what an entry would boot, were it chosen; of a submenu its entries too."""
    trial = machine.fork()
    trial.chosen = (*machine.chosen, entry)
    if entry.submenu:
        trial.variables.open()
        trial.menus.append([])
    _tell(trial, "")
    if len(trial.chosen) > _DEEPEST:
        raise InvalidInput(f"submenus are nested more than {_DEEPEST} deep")
    try:
        trial.run_entry(entry)
    except InvalidInput:
        return Listed(entry.title, entry.ident)
    children = trial.menus[-1] if entry.submenu else []
    below = tuple(describe(trial, each) for each in children)
    return replace(listed(trial) or Listed(entry.title), children=below)


COMMANDS: Final[Mapping[str, Builtin]] = {
    **dict.fromkeys(("linux", "linux16", "linuxefi"), _linux),
    **dict.fromkeys(("initrd", "initrd16", "initrdefi"), _initrd),
    **dict.fromkeys(("multiboot", "multiboot2", "xen_hypervisor"), _hypervisor),
    **dict.fromkeys(("module", "module2", "xen_module"), _module),
    **dict.fromkeys(("chainloader", "kernel", "freedos", "ntldr"), _chain),
    "devicetree": _device_tree,
    "boot": _boot,
    "fwsetup": _fwsetup,
    **dict.fromkeys(("exit", "halt", "reboot", "poweroff"), _leave),
}
