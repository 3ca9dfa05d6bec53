"""Whether a kernel brings what its image's hardware needs."""

from collections.abc import Iterable

from kpstore.formats.initrd import InitrdFacts
from kpstore.formats.modules import ModulesFacts, firmware_name


def missing_modules(
    required: Iterable[str],
    modules: ModulesFacts | None,
    initrds: Iterable[InitrdFacts] = (),
) -> tuple[str, ...]:
    """Return the required modules that are neither files, nor built in, nor packed.

    A name may be written with `-` or `_`; the result keeps it as written.
    """
    have = {name for initrd in initrds for name in initrd.modules}
    if modules is not None:
        have |= modules.modules | modules.builtin
    return tuple(name for name in required if name.replace("-", "_") not in have)


def missing_firmware(
    required: Iterable[str],
    image: Iterable[str],
    initrds: Iterable[InitrdFacts] = (),
) -> tuple[str, ...]:
    """Return the required firmware files that neither image nor initrds carry.

    `image` is what `read_firmware` returns; names are below lib/firmware.
    """
    have = {*image, *(name for initrd in initrds for name in initrd.firmware)}
    return tuple(name for name in required if firmware_name(name) not in have)
