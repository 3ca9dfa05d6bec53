"""Which of its entries systemd-boot boots: loader.conf's default, else the first.

Follows loader.conf(5) and systemd's src/boot/boot.c (config_select_default_entry).
What firmware may say instead is not in a tree. Entries that GRUB reads are read by
`kpstore.loaders.grub.foreign`.
"""

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Final

from kpstore.formats.arch import elf_arch
from kpstore.loaders.bls.choices import Choice, Choices
from kpstore.loaders.boot_entries import COUNTED, fields
from kpstore.loaders.listing import Listed, Listing
from kpstore.loaders.programs import CONF, ESPS, reads_boot, reads_entries, systemd_boot
from kpstore.loaders.tree import Tree, on_fat

_EFI_ARCHS: Final = {
    "x86_64": "x64",
    "i386": "ia32",
    "aarch64": "aa64",
    "ia64": "ia64",
    "riscv64": "riscv64",
}
_PROGRAMS: Final = ("bin/sh", "usr/bin/env", "sbin/init")
_LISTED: Final = (CONF, "loader/entries/*.conf", "EFI/Linux/*.efi")


def read(tree: Tree) -> Iterator[Listing]:
    """Yield what systemd-boot lists and boots, where it is what decides."""
    if not reads_entries(tree):
        return
    program = systemd_boot(tree)
    esp = program.esp if program else _esp(tree)
    arch = program.arch if program else _arch(tree)
    found = Choices(tree, _roots(tree, esp), arch)
    for path, what in found.unread.items():
        yield Listing(path, unread=(f"{path}: {what}",))
    conf = next(on_fat(tree, esp, CONF), "")
    if conf or found.listed:
        yield _listing(conf, tree.text(conf) or "" if conf else "", found.listed)


def _listing(conf: str, text: str, choices: Sequence[Choice]) -> Listing:
    said = fields(text)
    preferred, pattern = (
        said.get(key, [""])[-1].lower() for key in ("preferred", "default")
    )
    chosen, note = _preferred(choices, preferred), ""
    if chosen is None:
        chosen, note = _chosen(choices, pattern)
    unkept = next((each.unkept for each in choices if each.listed is chosen), ())
    notes = [note] if note else []
    notes += [f"{each} (of what boots)" for each in unkept]
    source = conf or choices[0].path
    return Listing(
        source,
        tuple(each.listed for each in choices),
        chosen,
        tuple(f"{source}: {each}" for each in notes),
    )


def _preferred(choices: Sequence[Choice], pattern: str) -> Listed | None:
    """Return what is preferred to the default: it has to have tries left."""
    for each in choices:
        is_bad = each.tries is not None and each.tries[0] == 0
        if pattern and not is_bad and _is_meant(each, pattern):
            return each.listed
    return None


def _chosen(choices: Sequence[Choice], pattern: str) -> tuple[Listed | None, str]:
    """Return what boots, and what is worth saying of it."""
    first = choices[0].listed if choices else None
    if not pattern or (pattern == "@saved" and len(choices) == 1):
        return first, ""
    for each in choices:
        if _is_meant(each, pattern):
            return each.listed, ""
    if pattern.startswith("auto-"):
        return None, f"its default, {pattern}, is none of these entries"
    if pattern != "@saved":
        return first, f"its default, {pattern}, names none of its entries"
    kernels = {each.listed.kernel for each in choices}
    said = "its default, @saved, is in the firmware's variables"
    return (first if len(kernels) == 1 else None), said


def _is_meant(choice: Choice, pattern: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for name in _names(choice))


def _names(choice: Choice) -> Iterator[str]:
    """Yield the names that a default may mean.

    As bootctl has them, without a count of tries; before systemd 248 without `.conf`.
    """
    stem, dot, ending = choice.file.rpartition(".")
    for name in (stem, COUNTED.sub("", stem)):
        yield from (f"{name}{dot}{ending}", name)


def _esp(tree: Tree) -> str:
    """Return what has the loader's files: loader.conf, else entries or images."""
    found = (esp for what in _LISTED for esp in ESPS if any(on_fat(tree, esp, what)))
    return next(found, ESPS[-1])


def _roots(tree: Tree, esp: str) -> list[str]:
    """Return the file systems that the loader reads: the ESP, and FAT's /boot.

    Without a word of /boot's kind it is meant where the ESP has no entries.
    """
    is_empty = not any(any(on_fat(tree, esp, what)) for what in _LISTED[1:])
    reads = is_empty or reads_boot(tree, esp)
    return [*dict.fromkeys((esp, "boot"))] if reads else [esp]


def _arch(tree: Tree) -> str:
    archs = (elf_arch(tree.data(path, 0, 64) or b"") for path in _PROGRAMS)
    return _EFI_ARCHS.get(next(filter(None, archs), None) or "", "")
