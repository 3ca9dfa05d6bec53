"""From the files of one kernel to artifacts and a `KernelConfig`.

Every origin ends here: the files are looked into first, and nothing is stored
unless they belong together and to the image.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import BinaryIO, Final

from kpstore.artifacts.store import ArtifactStore, Progress
from kpstore.errors import InvalidInput, Refused
from kpstore.formats.config import MAX_CONFIG, read_config
from kpstore.formats.initrd import InitrdFacts, read_initrd
from kpstore.formats.kernel import KernelFacts, read_kernel
from kpstore.formats.module_tar import Packing
from kpstore.formats.modules import ModulesFacts, read_modules
from kpstore.formats.xen import read_xen
from kpstore.kernels.built_in import boots_bare
from kpstore.kernels.checks import (
    Problem,
    check_set,
    missing_firmware,
    missing_modules,
)
from kpstore.kernels.contract import Parts, Source
from kpstore.kernels.features import banner_features, features
from kpstore.model import bounds
from kpstore.model.documents import (
    Arch,
    ArtifactRef,
    Artifacts,
    KernelConfig,
)

# (kernel, programs): other pairs that work
_RUNS: Final = frozenset({("x86_64", "i386")})


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
) -> Gathered:
    """Look into the files of a kernel, then store them.

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
        return _hypervisor(store, parts, needs.arch, progress)
    with ExitStack() as stack:
        files = _Opened(parts, stack)
        kernel = files.kernel_facts(needs.arch)
        initrds = files.initrd_facts(force=force_mismatch)
        modules = files.modules_facts()
        options = files.options()
        problems = check_set(kernel, initrds, modules, options)
        notes = _refused_unless(problems, force=force_mismatch)
        _check_needs(kernel.release, modules, list(initrds.values()), needs)
        able = features(options) or banner_features(kernel.words)
        artifacts = files.store(store, kernel.release, progress)
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
    store: ArtifactStore, parts: Parts, arch: Arch, progress: Progress | None
) -> Gathered:
    """Store a Xen hypervisor; InvalidInput when it is none, or of another arch."""
    hypervisor = parts.kernel
    with closing(hypervisor.open()) as file:
        facts = read_xen(file, hypervisor.name)
        if facts.arch != arch:
            raise _wrong_arch(hypervisor.name, facts.arch, arch)
        if not facts.version:
            raise InvalidInput(
                f"{hypervisor.name} does not tell its version",
                hint="give xen-VERSION.gz as it was built",
            )
        vmlinuz = _stored(store, file, hypervisor.name, progress)
    return Gathered(
        KernelConfig(
            kind="xen",
            release=facts.version,
            arch=arch,
            origin=parts.origin,
            artifacts=Artifacts(vmlinuz=vmlinuz),
        )
    )


class _Opened:
    """The files of one kernel, open: what is looked into is what is stored."""

    def __init__(self, parts: Parts, stack: ExitStack) -> None:
        self._parts = parts
        self._files = {
            source: stack.enter_context(closing(source.open()))
            for source in (
                parts.kernel,
                *parts.initrds,
                *filter(None, (parts.system_map, parts.config)),
            )
        }
        self.dropped: tuple[str, ...] = ()

    def kernel_facts(self, arch: str) -> KernelFacts:
        source = self._parts.kernel
        facts = read_kernel(self._files[source], source.name)
        if facts.arch != arch and (facts.arch, arch) not in _RUNS:
            raise _wrong_arch(source.name, facts.arch, arch)
        return facts

    def initrd_facts(self, *, force: bool) -> dict[str, InitrdFacts]:
        return {
            source.name: _initrd(self._files[source], source.name, force=force)
            for source in self._parts.initrds
        }

    def modules_facts(self) -> ModulesFacts | None:
        tree = self._parts.modules
        return read_modules(tree.tree, tree.rel) if tree else None

    def options(self) -> dict[str, str]:
        """Return what the kernel's config sets; nothing where there is none."""
        source = self._parts.config
        if source is None:
            return {}
        text = self._files[source].read(MAX_CONFIG + 1).decode("utf-8", "replace")
        return read_config(text)

    def store(
        self, store: ArtifactStore, release: str, progress: Progress | None
    ) -> Artifacts:
        """Store everything; the modules as those of `release`."""
        parts = self._parts

        def keep(source: Source) -> ArtifactRef:
            return _stored(store, self._files[source], source.name, progress)

        modules = None
        if parts.modules:
            packing = Packing(parts.modules.tree, parts.modules.rel, release)
            self.dropped = packing.dropped
            ref = store.add_stream(packing.chunks(), progress, name=parts.modules.name)
            modules = ArtifactRef(sha256=ref.sha256, size=ref.size)
        return Artifacts(
            vmlinuz=keep(parts.kernel),
            initrd=tuple(keep(source) for source in parts.initrds),
            modules=modules,
            system_map=keep(parts.system_map) if parts.system_map else None,
            config=keep(parts.config) if parts.config else None,
        )


def _initrd(file: BinaryIO, name: str, *, force: bool) -> InitrdFacts:
    try:
        return read_initrd(file, name)
    except InvalidInput as error:
        if force:
            return InitrdFacts.unread(0, error.message)
        raise


def _stored(
    store: ArtifactStore, file: BinaryIO, name: str, progress: Progress | None
) -> ArtifactRef:
    ref = store.adopt(file.fileno(), name, progress)
    return ArtifactRef(sha256=ref.sha256, size=ref.size)


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


def _wrong_arch(name: str, found: str, arch: str) -> InvalidInput:
    return InvalidInput(
        f"{name} is for {found}, the image is {arch}",
        hint="give the kernel that was built for the image's machines",
    )
