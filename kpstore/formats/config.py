"""A kernel's build configuration, `/boot/config-<release>`."""

import re

from kpstore.errors import InvalidInput

MAX_CONFIG = 1 << 22  # bytes; a distribution's has 0.3 MB
_OPTION = re.compile(r"^CONFIG_([A-Za-z0-9_]+)=(.*)$", re.MULTILINE)


def read_config(text: str) -> dict[str, str]:
    """Return option -> value, without `CONFIG_` and quotes; unset ones are absent.

    Raises InvalidInput when the text sets no option at all.
    """
    if len(text) > MAX_CONFIG:
        raise InvalidInput(
            f"a kernel configuration of {len(text)} characters",
            hint="the file is called /boot/config-<release>",
        )
    options = {name: value.strip('"\r') for name, value in _OPTION.findall(text)}
    if not options:
        raise InvalidInput(
            "no kernel configuration: no line CONFIG_X=...",
            hint="the file is called /boot/config-<release>, or .config where the "
            "kernel was built",
        )
    return options
