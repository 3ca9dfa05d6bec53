"""The language of SYSLINUX's configuration files, which U-Boot reads too, line by line.

Format: https://wiki.syslinux.org/wiki/index.php?title=Config, as it is read by SYSLINUX
(com32/elflink/ldlinux/readconfig.c) and U-Boot (boot/pxe_utils.c).
"""

import re
from collections.abc import Iterator
from typing import Final

_BLANK: Final = "".join(map(chr, range(ord(" ") + 1)))
_BLANKS: Final = re.compile(r"[\0- ]+")


def directives(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line's directive, in lower case, and what it says.

    `MENU LABEL x` is one, `menu label`. Comments and help texts are left out.
    """
    in_help = False
    for line in text.split("\n"):
        word, value = _split(line)
        if in_help:
            in_help = word != "endtext"
        elif word == "text":
            in_help = True
        elif word == "menu":
            which, value = _split(value)
            yield f"menu {which}", value
        elif word and not word.startswith("#"):
            yield word, value


def _split(line: str) -> tuple[str, str]:
    word, *rest = _BLANKS.split(line.strip(_BLANK), maxsplit=1)
    return word.lower(), "".join(rest)
