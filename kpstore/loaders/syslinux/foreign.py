"""Reading an `extlinux.conf`, as EXTLINUX and U-Boot boot by it when nobody is there.

SYSLINUX reads the same language in a `syslinux.cfg`, below /boot (Arch) or on the ESP.

They differ: EXTLINUX shows the menu that a DEFAULT of `menu.c32` names, where MENU
DEFAULT counts, and stops at its prompt when DEFAULT names nothing; U-Boot then takes
the first label (doc/develop/distro.rst). Either way that is what the file is for.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from kpstore.loaders.listing import NO_DEVICE_TREES, Listed, Listing, tokens
from kpstore.loaders.mounts import file_systems, find, holding
from kpstore.loaders.programs import ESPS
from kpstore.loaders.syslinux.directives import directives
from kpstore.loaders.tree import Tree, on_fat

_FOLDERS: Final = (
    *("boot/extlinux", "boot", "extlinux"),
    *("boot/syslinux", "syslinux"),
)
_ON_ESP: Final = "EFI/*/syslinux.cfg"
_NAMES: Final = ("extlinux.conf", "syslinux.cfg")  # the first of a folder counts
_INCLUDE: Final = frozenset({"include", "menu include"})
_MOST_INCLUDED: Final = 64
_MODULE: Final = ".c32"
_XEN: Final = "mboot.c32"
_MARK: Final = "menu default"
_INITRD: Final = re.compile(r"(?:^| )initrd=([^ ]*)")
_NO_LINUX: Final = frozenset(
    {"boot", "bss", "comboot", "config", "fdimage", "localboot", "pxe"}
)
_ADDED: Final = ("sysappend", "ipappend")
_DEVICE_TREE: Final = (
    *("fdt", "fdtdir", "devicetree", "devicetreedir"),
    *("fdtoverlays", "devicetree-overlay"),
)


@dataclass
class _Config:
    """Labels with what each says, in the file's order, and what is said outside."""

    said: dict[str, str] = field(default_factory=dict)
    labels: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    included: list[str] = field(default_factory=list)


def read(tree: Tree) -> Iterator[Listing]:
    """Yield what each extlinux.conf lists and boots."""
    for source in _sources(tree):
        text = tree.text(source)
        if text is not None:
            budget = iter(range(_MOST_INCLUDED))
            yield read_config(source, _whole(tree, source, text, budget))


def _sources(tree: Tree) -> Iterator[str]:
    for folder in _FOLDERS:
        there = (each for name in _NAMES if tree.is_file(each := f"{folder}/{name}"))
        yield from islice(there, 1)
    for esp in ESPS:
        yield from on_fat(tree, esp, _ON_ESP)


def _whole(
    tree: Tree, source: str, text: str, budget: Iterator[int]
) -> Iterator[tuple[str, str]]:
    """Yield the directives with those of included files; `include` for one not read."""
    for word, value in directives(text):
        if word not in _INCLUDE:
            yield word, value
        elif next(budget, None) is None or (more := _part(tree, source, value)) is None:
            yield "include", value
        else:
            yield from _whole(tree, source, more, budget)


def _part(tree: Tree, source: str, value: str) -> str | None:
    """Read what a file includes, from its folder or the root of its file system."""
    name, _, _ = value.partition(" ")
    if name.startswith("/"):
        found = find(tree, name, holding(file_systems(tree), source))
        return tree.text(found) if found else None
    return tree.text(posixpath.normpath(f"/{source}/../{name}"))


def read_config(source: str, said: Iterable[tuple[str, str]]) -> Listing:
    """Read one's directives; paths stay as it has them, from its folder or the root."""
    config = _config(said)
    shared = config.said.get("append", "")
    choices = tuple(_listed(name, said, shared) for name, said in config.labels)
    unread = [f"{name}, which it includes" for name in dict.fromkeys(config.included)]
    chosen = None
    if choices:
        at, more = _default(config)
        chosen = replace(choices[at], words=(*choices[at].words, *tokens(more)))
        unread += _undecided(config)
        unread += _lost(chosen, config.labels[at][1])
    return Listing(source, choices, chosen, tuple(f"{source}: {x}" for x in unread))


def _config(said: Iterable[tuple[str, str]]) -> _Config:
    config = _Config()
    here = config.said
    for word, value in said:
        match word:
            case "label":
                here = {}
                config.labels.append((value, here))
            case "default" | "ontimeout":
                config.said[word] = value
            case "menu separator" | "menu begin" | "menu end":
                here = config.said
            case "include":
                config.included.append(value)
            case "linux" | "kernel" | "com32":
                here["kernel"] = value
            case _ if word in _NO_LINUX:
                here["kernel"] = ""
            case _:
                here[word] = value
    return config


def _default(config: _Config) -> tuple[int, str]:
    """Return which label boots, and what DEFAULT adds to its command line."""
    default = config.said.get("ontimeout") or config.said.get("default", "")
    names = [name for name, _ in config.labels]
    word, _, more = default.partition(" ")
    if default in names:
        return names.index(default), ""
    if word in names:
        return names.index(word), more
    marked = [at for at, (_, said) in enumerate(config.labels) if _MARK in said]
    return (marked or [0])[-1], ""


def _undecided(config: _Config) -> Iterator[str]:
    """Say that a default names no label: the first one boots, or none (EXTLINUX)."""
    said = config.said.get("ontimeout") or config.said.get("default", "")
    names = {name for name, _ in config.labels}
    meant = {said, said.partition(" ")[0]}
    if said and not names & meant and not any(x.endswith(_MODULE) for x in meant):
        yield f"its default, {said}, names none of its labels"


def _lost(chosen: Listed, said: Mapping[str, str]) -> Iterator[str]:
    """Say what of the label that boots kp can't keep."""
    for each in _DEVICE_TREE:
        if each in said:
            yield f"{each} of {chosen.ident}: {NO_DEVICE_TREES}"
    for each in _ADDED:
        if each in said:
            yield f"{each} of {chosen.ident}, what it adds to the command line"
    if not chosen.kernel or chosen.kernel.endswith(_MODULE):
        yield f"{chosen.ident}, which boots no kernel by itself"


def _listed(name: str, said: Mapping[str, str], shared: str) -> Listed:
    line = said.get("append", shared)
    line = "" if line == "-" else line
    title = said.get("menu label", name).replace("^", "")
    kernel = said.get("kernel", "")
    if kernel.endswith(_XEN):
        return _xen(title, name, line)
    packed = said.get("initrd") or ",".join(_INITRD.findall(line))
    return Listed(
        title=title,
        ident=name,
        kernel=kernel,
        initrds=tuple(file for file in packed.split(",") if file),
        words=tokens(line),
    )


def _xen(title: str, name: str, line: str) -> Listed:
    """Read mboot.c32's line: `xen.gz options --- vmlinuz options --- initrd`."""
    xen, linux, *rest = (part.strip() for part in f"{line} --- ".split(" --- "))
    (hypervisor, _, own), (kernel, _, words) = xen.partition(" "), linux.partition(" ")
    initrds = tuple(part.partition(" ")[0] for part in rest if part)
    both = tokens(words), hypervisor, tokens(own)
    return Listed(title, name, kernel, initrds, *both)
