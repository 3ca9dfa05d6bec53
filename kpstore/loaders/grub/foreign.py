"""Reading a distribution's `grub.cfg`: what it lists, and what it boots by default.

It is evaluated as GRUB would at a boot that nobody attends, and nothing comes of it
but a menu. What is for one boot only, `next_entry`, is over: the default is what
boots after that one.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput
from kpstore.loaders.grub.budget import Budget
from kpstore.loaders.grub.commands import BUILTINS
from kpstore.loaders.grub.devices import Devices
from kpstore.loaders.grub.environment import Environment
from kpstore.loaders.grub.loading import choose, describe, listed
from kpstore.loaders.grub.machine import Machine
from kpstore.loaders.grub.syntax import Script
from kpstore.loaders.listing import Listed, Listing
from kpstore.loaders.programs import RED_HAT, grub_decides, reads_entries
from kpstore.loaders.tree import LIMIT, Laid, Tree

_FOLDERS: Final = ("boot/grub", "boot/grub2", "boot/efi/EFI/*", "efi/EFI/*")
_CONFIG: Final = "grub.cfg"
_FEATURES: Final = (
    *("chainloader_bpb", "ntldr", "platform_search_hint", "default_font_path"),
    *("all_video_module", "menuentry_id", "menuentry_options", "200_final"),
    *("nativedisk_cmd", "timeout_style"),
)
_PLATFORMS: Final = {
    "efi": {"grub_platform": "efi", "grub_cpu": "x86_64"},
    "pc": {"grub_platform": "pc", "grub_cpu": "i386"},
}
_UEFI: Final = ("x86_64-efi", "arm64-efi", "i386-efi")
_ENTRIES: Final = "boot/loader/entries"
_IMPLIED: Final = b"if [ -s $prefix/grubenv ]; then load_env; fi\nblscfg\n"
_LISTS_NOTHING: Final = "it lists nothing to boot"
_UNDECIDED: Final = "which of them boots, a grub.cfg says that is not in the tree"
_HEADER: Final = {"menuentry_id_option": "--id"}  # what grub-mkconfig's begins with
_ONCE: Final = ("next_entry", "prev_saved_entry", "saved_entry")


class _Boot(NamedTuple):
    """What came of a boot."""

    chosen: Listed | None
    choices: tuple[Listed, ...]
    notes: tuple[str, ...]
    saved: dict[str, str]


def read(tree: Tree) -> Iterator[Listing]:
    """Yield what each grub.cfg lists and boots, where GRUB is what decides."""
    if not grub_decides(tree):
        return
    sources = [
        source
        for folder in _FOLDERS
        for source in tree.matching(f"{folder}/{_CONFIG}")
        if tree.is_file(source)
    ]
    found = [
        _listing(tree, source)
        if (tree.size(source) or 0) <= LIMIT
        else Listing(source, unread=(f"{source}: longer than {LIMIT} bytes",))
        for source in sources
    ]
    yield from found
    if sources and not any(each.choices or each.unread for each in found):
        yield Listing(sources[0], unread=(f"{sources[0]}: {_LISTS_NOTHING}",))
    if not sources and not reads_entries(tree):
        yield from _without_config(tree)


def _without_config(tree: Tree) -> Iterator[Listing]:
    """Yield the entries that wait for a grub.cfg; none whose line can't be known."""
    own = (name for name in tree.names(_ENTRIES) if not name.startswith("kp-"))
    if any(name.endswith(".conf") for name in own):
        laid = Laid(tree, {f"boot/grub2/{_CONFIG}": _IMPLIED})
        found = _listing(laid, f"boot/grub2/{_CONFIG}")
        choices = () if found.unread else found.choices
        said = (f"{_ENTRIES}: {_UNDECIDED}", *found.unread)
        yield Listing(_ENTRIES, choices, unread=said)


def _listing(tree: Tree, source: str) -> Listing:
    folder, _, _ = source.rpartition("/")
    here, other = _platforms(tree, folder)
    parsed: dict[str, Script] = {}
    try:
        found = _lasting(tree, folder, here, parsed)
        notes = found.notes
        if _lasting(tree, folder, other, parsed).chosen != found.chosen:
            notes += (f"it boots something else on {other} than on {here}",)
    except InvalidInput as error:
        return Listing(source, unread=(f"{source}: {error.message}",))
    unread = tuple(f"{source}: {note}" for note in notes)
    return Listing(source, found.choices, found.chosen, unread)


def _platforms(tree: Tree, folder: str) -> tuple[str, str]:
    """Return the platform that GRUB is installed for, and the other one."""
    is_uefi = "/EFI/" in folder or any(tree.is_dir(f"{folder}/{x}") for x in _UEFI)
    return ("efi", "pc") if is_uefi else ("pc", "efi")


def _lasting(
    tree: Tree, folder: str, platform: str, parsed: dict[str, Script]
) -> _Boot:
    """Boot, and once more where the first boot used up what was for it alone."""
    found = _boot(tree, folder, platform, {}, parsed)
    once = {name: value for name, value in found.saved.items() if name in _ONCE}
    return _boot(tree, folder, platform, once, parsed) if once else found


def _boot(
    tree: Tree,
    folder: str,
    platform: str,
    saved: Mapping[str, str],
    parsed: dict[str, Script],
) -> _Boot:
    devices = Devices(tree)
    root, path = devices.home(folder)
    here = {"root": root, "prefix": f"({root}){path}", "cmdpath": f"({root}){path}"}
    features = {f"feature_{name}": "y" for name in _FEATURES}
    variables = Environment({**features, **_PLATFORMS[platform], **_HEADER, **here})
    machine = Machine(devices, variables, BUILTINS, saved=dict(saved), parsed=parsed)
    machine.by_name = any(tree.is_file(name) for name in RED_HAT)
    machine.source(f"({root}){path}/{_CONFIG}")
    choose(machine)
    menu = machine.shown or machine
    menu.budget = Budget()  # what isn't chosen may be endless
    choices = tuple(describe(menu, entry) for entry in menu.menus[-1])
    chosen = listed(machine)
    if chosen and not choices:
        choices = (chosen,)
    return _Boot(chosen, choices, tuple(machine.notes), machine.saved)
