"""Reading a distribution's `extlinux.conf`.

Format: https://wiki.syslinux.org/wiki/index.php?title=Config
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from kpstore.loaders.listing import Listed, Listing, tokens
from kpstore.loaders.tree import Tree

_PLACES: Final = ("boot/extlinux/extlinux.conf", "boot/extlinux.conf")
_INITRD: Final = re.compile(r"(?:^| )initrd=([^ ]*)")


@dataclass
class _Config:
    """Labels with their directives, and what the file says of itself."""

    default: str = ""
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    included: list[str] = field(default_factory=list)


def read(tree: Tree) -> Iterator[Listing]:
    """Yield what each extlinux.conf lists and boots."""
    for source in _PLACES:
        text = tree.text(source)
        if text is not None:
            yield _listing(source, _config(text))


def _listing(source: str, config: _Config) -> Listing:
    choices = tuple(_label(name, said) for name, said in config.labels.items())
    named = (each for each in choices if each.ident == config.default)
    return Listing(
        source,
        choices,
        next(named, None) or next(iter(choices), None),
        tuple(f"{source}: {name}, which it includes" for name in config.included),
    )


def _config(text: str) -> _Config:
    config, here = _Config(), dict[str, str]()
    for line in text.splitlines():
        word, _, value = line.strip().partition(" ")
        key, value = word.lower(), value.strip()
        match key:
            case "label":
                here = config.labels.setdefault(value, {})
            case "menu" if value.lower() == "default":
                config.default = config.default or next(reversed(config.labels), "")
            case "default" if not config.labels:
                config.default = value
            case "include":
                config.included.append(value)
            case _:
                here.setdefault(key, value)
    return config


def _label(name: str, said: Mapping[str, str]) -> Listed:
    kernel = said.get("linux") or said.get("kernel") or ""
    line = said.get("append", "")
    packed = said.get("initrd") or ",".join(_INITRD.findall(line))
    initrds = tuple(file for file in packed.split(",") if file)
    return Listed(name, name, kernel, initrds, tokens(line))
