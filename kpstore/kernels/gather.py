"""From the files of one kernel to artifacts and a `KernelConfig`.

Every origin ends here: the files are looked into first, and nothing is stored
unless they belong together and to the image.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

from kpstore.artifacts.store import ArtifactStore, Progress
from kpstore.errors import InvalidInput, Refused
from kpstore.formats.initrd import InitrdFacts
from kpstore.formats.kernel import KernelFacts
from kpstore.formats.modules import ModulesFacts
from kpstore.formats.xen import read_xen
from kpstore.kernels.built_in import boots_bare
from kpstore.kernels.checks import (
    Problem,
    check_set,
    missing_firmware,
    missing_modules,
)
from kpstore.kernels.contract import Parts
from kpstore.kernels.features import banner_features, features
from kpstore.kernels.opened import Amount, OpenedParts, size_of, stored, wrong_arch
from kpstore.model import bounds
from kpstore.model.documents import (
    Arch,
    Artifacts,
    KernelConfig,
)


@dataclass(frozen=True)
class Needs:
    """What the image asks of its kernels; `has_firmware`: files in the image."""

    arch: Arch
    modules: Sequence[str] = ()
    firmware: Sequence[str] = ()
    has_firmware: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Gathered:
    """A kernel whose artifacts are stored; `notes` are worth saying to a person."""

    kernel: KernelConfig
    notes: tuple[str, ...] = ()


def gather(
    store: ArtifactStore,
    parts: Parts,
    needs: Needs,
    *,
    force_mismatch: bool = False,
    progress: Progress | None = None,
    before: Callable[[Sequence[Amount]], None] | None = None,
) -> Gathered:
    """Look into the files of a kernel, tell `before` how much it is, then store them.

    Raises Refused where they don't belong together, and with `force_mismatch` takes
    them all the same; InvalidInput for a kernel of another architecture, or a file
    that is not what it is given as; OSErrors raw. Nothing is stored then.
    """
    if len(parts.initrds) > bounds.INITRDS:
        raise InvalidInput(
            f"{len(parts.initrds)} initrds, {bounds.INITRDS} at most",
            hint="cat them into one: Linux reads them as a row",
        )
    if parts.kind == "xen":
        return _hypervisor(store, parts, needs.arch, progress, before)
    with ExitStack() as stack:
        files = OpenedParts(parts, stack)
        kernel = files.kernel_facts(needs.arch)
        initrds = files.initrd_facts(force=force_mismatch)
        modules = files.modules_facts()
        options = files.options()
        problems = check_set(kernel, initrds, modules, options)
        notes = _refused_unless(problems, force=force_mismatch)
        _check_needs(kernel.release, modules, list(initrds.values()), needs)
        able = features(options) or banner_features(kernel.words)
        files.survey(kernel.release)
        if before:
            before(files.amounts())
        artifacts = files.store(store, progress)
        dropped = files.dropped
    return Gathered(
        KernelConfig(
            release=kernel.release,
            arch=needs.arch,
            features=able,
            origin=parts.origin,
            artifacts=artifacts,
        ),
        (
            *(parts.doubts if parts.initrds or not boots_bare(options) else ()),
            *_of_arch(kernel, needs.arch),
            *notes,
            *(f"left out of the modules: {link}" for link in dropped),
        ),
    )


def _hypervisor(
    store: ArtifactStore,
    parts: Parts,
    arch: Arch,
    progress: Progress | None,
    before: Callable[[Sequence[Amount]], None] | None,
) -> Gathered:
    """Store a Xen hypervisor; InvalidInput when it is none, or of another arch."""
    hypervisor = parts.kernel
    with closing(hypervisor.open()) as file:
        facts = read_xen(file, hypervisor.name)
        if facts.arch != arch:
            raise wrong_arch(hypervisor.name, facts.arch, arch)
        if not facts.version:
            raise InvalidInput(
                f"{hypervisor.name} does not tell its version",
                hint="give xen-VERSION.gz as it was built",
            )
        if before:
            before([Amount("hypervisor", size_of(file))])
        vmlinuz = stored(store, file, hypervisor.name, progress)
    return Gathered(
        KernelConfig(
            kind="xen",
            release=facts.version,
            arch=arch,
            origin=parts.origin,
            artifacts=Artifacts(vmlinuz=vmlinuz),
        )
    )


def _refused_unless(problems: Sequence[Problem], *, force: bool) -> list[str]:
    """Return what is worth saying; Refused for what doesn't fit, unless forced."""
    stops = [problem for problem in problems if problem.stops]
    if stops and not force:
        options = ", ".join(sorted({problem.override for problem in stops}))
        raise Refused(
            "; ".join(problem.text for problem in stops),
            hint=f"{options} takes them as they are",
        )
    return [problem.text for problem in problems]


def _of_arch(kernel: KernelFacts, arch: str) -> Iterator[str]:
    if kernel.arch != arch:
        yield (
            f"the kernel {kernel.release} is for {kernel.arch}, the image {arch}: it "
            "boots on such machines only, and runs the image's programs where it has "
            "CONFIG_IA32_EMULATION"
        )


def _check_needs(
    release: str,
    modules: ModulesFacts | None,
    initrds: Sequence[InitrdFacts],
    needs: Needs,
) -> None:
    lacks = [
        *(
            f"module {name}"
            for name in missing_modules(needs.modules, modules, initrds)
        ),
        *(
            f"firmware {name}"
            for name in missing_firmware(needs.firmware, needs.has_firmware, initrds)
        ),
    ]
    if lacks:
        raise Refused(
            f"kernel {release} lacks what the image requires: {', '.join(lacks)}",
            hint="take a kernel that has it, or change the image's requirements",
        )
