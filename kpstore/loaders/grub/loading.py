"""GRUB's commands that load and start something, and the choice of an entry.

Kernel and initrds are the script's own paths, without their device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.grub.devices import split
from kpstore.loaders.grub.machine import Builtin, Loaded, Machine
from kpstore.loaders.grub.menu import MenuEntry, chosen, first_number
from kpstore.loaders.grub.status import BAD_ARGUMENT, NOT_FOUND
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
    path, words = args[0], tuple(args[1:])
    device = split(path)[0] or machine.variables.get("root")
    if machine.devices.is_another_s(device):
        machine.note(
            f"{path} of {device}, which fstab does not name: another system's?"
        )
    if not words and machine.given > 1:
        machine.note(f"the line of {path} is of variables alone, and nothing sets them")
    there = machine.files.is_file(path)
    machine.loaded = Loaded(_path(machine, path), words, is_there=there)
    return 0 if there else NOT_FOUND


def _initrd(machine: Machine, args: list[str]) -> int:
    if not args and machine.given:
        machine.note("its initrd is in variables alone, and nothing sets them")
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


def _acpi(machine: Machine, args: list[str]) -> int:
    """Note the tables that are handed over instead of the firmware's."""
    tables = [split(word)[1] for word in args if not word.startswith("-")]
    if tables:
        machine.note(f"the ACPI tables {' '.join(tables)}: kp keeps none")
    return next(filter(None, (_status(machine, path) for path in tables)), 0)


def _hypervisor(machine: Machine, args: list[str]) -> int:
    words = [word for word in args if not word.startswith("--")]
    if not words:
        return BAD_ARGUMENT
    path, *own = words
    there = machine.files.is_file(path)
    machine.loaded = Loaded(
        hypervisor=_path(machine, path),
        hypervisor_words=_without_placeholder(own),
        is_there=there,
    )
    return 0 if there else NOT_FOUND


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
        loaded.kernel, loaded.words = path, _without_placeholder(given[1:])
    return _status(machine, given[0])


def _without_placeholder(words: list[str]) -> tuple[str, ...]:
    """Leave out what grub-mkconfig writes for a program's own name."""
    return tuple(words[words[:1] == ["placeholder"] :])


def _chain(machine: Machine, args: list[str]) -> int:
    machine.loaded = Loaded() if args else machine.loaded
    return 0 if args else BAD_ARGUMENT


def _boot(machine: Machine, _: list[str]) -> int:
    """Start what is loaded; where it wasn't there, GRUB goes on to its fallback."""
    goes_on = not _starts(machine) and machine.variables.knows("fallback")
    return machine.end() if machine.loaded and not goes_on else BAD_ARGUMENT


def _leave(machine: Machine, _: list[str]) -> int:
    machine.loaded = None
    return machine.end()


def _fwsetup(machine: Machine, args: list[str]) -> int:
    """Go to the firmware's setup, unless it is only asked whether there is one."""
    return 0 if args == ["--is-supported"] else _leave(machine, args)


def choose(machine: Machine, *, within: bool = False) -> None:
    """Boot the entry that the menu's default means, as nobody presses a key.

    `within`: it is a submenu, which GRUB leaves where nothing of it starts.
    """
    entries = machine.menus[-1]
    if machine.ended or not entries:
        return
    if not machine.chosen:
        machine.shown = machine.fork()
    default, outer = machine.variables.get("default"), machine.chosen
    at, rest = chosen(entries, default, by_name=is_red_hat(machine))
    if rest and is_red_hat(machine) and default[:1].isdigit():
        machine.note(
            f"its default, {default}: the first entry, but to Red Hat's old GRUBs"
        )
    enter(machine, entries[at], rest)
    while (entry := _fallback(machine, entries, outer)) is not None:
        enter(machine, entry, rest)
    if not within or _starts(machine):
        machine.end()


def _starts(machine: Machine) -> bool:
    return machine.loaded is not None and machine.loaded.is_there


def _fallback(
    machine: Machine, entries: Sequence[MenuEntry], outer: tuple[MenuEntry, ...]
) -> MenuEntry | None:
    """Take the next of `fallback` where an entry of a menu started nothing.

    Red Hat's GRUB asks it only where the start itself fails.
    """
    if machine.ended or _starts(machine) or is_red_hat(machine):
        return None
    trial = machine.fork()
    _give_up(trial, outer)
    said = trial.variables.get("fallback")
    at, rest = first_number(said)
    if said and at is None:
        machine.note(f"its fallback, {said}, is no number, and not every GRUB takes it")
    if at is None or at >= len(entries):
        return None
    _say_lost(machine)
    _give_up(machine, outer)
    machine.variables.set("fallback", rest)
    return entries[at]


def _say_lost(machine: Machine) -> None:
    lost = machine.loaded
    what = f": {lost.kernel or lost.hypervisor} is not there" if lost else ""
    title = machine.chosen[-1].title
    machine.note(f"{title} starts nothing{what}, and its fallback boots instead")


def _give_up(machine: Machine, outer: tuple[MenuEntry, ...]) -> None:
    """Leave what was entered from a menu, submenus too."""
    for entry in machine.chosen[len(outer) :]:
        if entry.submenu:
            machine.menus.pop()
            machine.variables.close()
    machine.chosen, machine.loaded = outer, None


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
        choose(machine, within=True)


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
        loaded.hypervisor_words,
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
    "acpi": _acpi,
    "devicetree": _device_tree,
    "boot": _boot,
    "fwsetup": _fwsetup,
    **dict.fromkeys(("exit", "halt", "reboot", "poweroff"), _leave),
}
