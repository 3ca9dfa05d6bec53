"""Whether a kernel's files belong together, and bring what its image needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kpstore.formats.initrd import InitrdFacts
from kpstore.formats.kernel import KernelFacts
from kpstore.formats.modules import ModulesFacts, firmware_name
from kpstore.kernels.built_in import lacks

OVERRIDE: Final = "--force-mismatch"
_NAMED: Final = 4  # of many


@dataclass(frozen=True)
class Problem:
    """Something wrong, or worth knowing, with the files of one kernel.

    `override` is the option that takes the files all the same; empty for a note,
    which stops nothing.
    """

    text: str
    override: str = OVERRIDE

    @property
    def stops(self) -> bool:
        """Tell a refusal from a note."""
        return bool(self.override)


def check_set(
    kernel: KernelFacts,
    initrds: Mapping[str, InitrdFacts],
    modules: ModulesFacts | None,
    options: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Return what doesn't fit, refusals first; `initrds` by the name to show.

    `options` are those of the kernel's config, if it is there.

    An initrd without modules is allowed (one with drivers built in, or with a
    shell only), and so are further releases beside the kernel's own.
    """
    problems = [
        *_of_kernel(kernel),
        *_of_initrds(kernel.release, initrds),
        *_of_modules(kernel.release, modules),
        *(Problem(text, "") for text in lacks(options or {}, initrds)),
    ]
    return sorted(problems, key=lambda problem: not problem.stops)


def _of_kernel(kernel: KernelFacts) -> Iterator[Problem]:
    if kernel.format == "elf" and kernel.arch in {"x86_64", "i386"}:
        yield Problem(
            f"the kernel {kernel.release} is a bare vmlinux, which no loader for "
            f"{kernel.arch} starts: give the bzImage"
        )
    if kernel.format == "bzimage" and kernel.compression:
        yield Problem(
            f"the kernel {kernel.release} is a bzImage that was packed once more, by "
            f"{kernel.compression}: unpack it, for loaders don't"
        )
    if kernel.format == "uki":
        yield Problem(
            f"the kernel {kernel.release} is inside a unified kernel image, which "
            "firmware starts, and no loader by a kernel line: take it out with "
            "`objcopy -O binary -j .linux FILE vmlinuz`, its initrd by `-j .initrd`"
        )


def _of_initrds(release: str, initrds: Mapping[str, InitrdFacts]) -> Iterator[Problem]:
    for name, facts in initrds.items():
        if facts.releases and release not in facts.releases:
            carried = ", ".join(sorted(facts.releases))
            yield Problem(
                f"initrd {name} carries modules of {carried}, the kernel is {release}"
            )
        if facts.unreadable:
            yield Problem(f"initrd {name} is not checked: {facts.unreadable}", "")
    if initrds and not any(_tells(facts) for facts in initrds.values()):
        names = ", ".join(initrds)
        yield Problem(f"initrd {names} carries no modules", "")


def _tells(facts: InitrdFacts) -> bool:
    """Tell whether it carries modules, or can't be looked into."""
    return bool(facts.releases or facts.unreadable)


def _of_modules(release: str, modules: ModulesFacts | None) -> Iterator[Problem]:
    if modules is None:
        return
    if modules.release != release:
        yield Problem(f"the modules are of {modules.release}, the kernel is {release}")
    if not modules.indexed:
        yield Problem(
            f"the modules of {modules.release} have no modules.dep: run depmod in the "
            "image, or modprobe finds nothing on the nodes",
            "",
        )
    built_for = modules.built_for.items()
    if others := [
        f"{name} ({of})" for name, of in built_for if of not in ("", release)
    ]:
        yield Problem(
            f"modules that were built for another kernel than {release}, which loads "
            f"them only where its CONFIG_MODVERSIONS lets it: {_some(others)}",
            "",
        )
    if untold := [name for name, of in built_for if not of]:
        yield Problem(
            f"modules that don't tell what kernel they were built for: {_some(untold)}",
            "",
        )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


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
