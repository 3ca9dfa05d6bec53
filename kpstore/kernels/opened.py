"""The files of one kernel, open: looked into, weighed, and stored as they were seen."""

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import BinaryIO, Final, NamedTuple

from kpstore.artifacts.store import ArtifactStore, Progress
from kpstore.errors import InvalidInput
from kpstore.formats.config import MAX_CONFIG, read_config
from kpstore.formats.initrd import InitrdFacts, read_initrd
from kpstore.formats.kernel import KernelFacts, read_kernel
from kpstore.formats.module_tar import Packing
from kpstore.formats.modules import ModulesFacts, read_modules
from kpstore.kernels.contract import Parts, Source
from kpstore.model.documents import ArtifactRef, Artifacts

# (kernel, programs): other pairs that work
_RUNS: Final = frozenset({("x86_64", "i386")})


class Amount(NamedTuple):
    """How much of one kind is taken in: `size` bytes in so many `files`."""

    what: str
    size: int
    files: int = 1


class OpenedParts:
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
        self._packing: Packing | None = None

    @property
    def dropped(self) -> tuple[str, ...]:
        """Return the links of the modules that lead to none."""
        return self._packing.dropped if self._packing else ()

    def kernel_facts(self, arch: str) -> KernelFacts:
        """Read the kernel; InvalidInput for one that `arch` can't run."""
        source = self._parts.kernel
        facts = read_kernel(self._files[source], source.name)
        if facts.arch != arch and (facts.arch, arch) not in _RUNS:
            raise wrong_arch(source.name, facts.arch, arch)
        return facts

    def initrd_facts(self, *, force: bool) -> dict[str, InitrdFacts]:
        """Look into the initrds, by name; with `force` what can't be read is told."""
        return {
            source.name: _initrd(self._files[source], source.name, force=force)
            for source in self._parts.initrds
        }

    def modules_facts(self) -> ModulesFacts | None:
        """Read the modules, if there are any."""
        tree = self._parts.modules
        return read_modules(tree.tree, tree.rel) if tree else None

    def options(self) -> dict[str, str]:
        """Return what the kernel's config sets; nothing where there is none."""
        source = self._parts.config
        if source is None:
            return {}
        text = self._files[source].read(MAX_CONFIG + 1).decode("utf-8", "replace")
        return read_config(text)

    def survey(self, release: str) -> None:
        """Look at the modules, which are to be packed as those of `release`."""
        tree = self._parts.modules
        self._packing = Packing(tree.tree, tree.rel, release) if tree else None

    def amounts(self) -> Sequence[Amount]:
        """Return how much `store` takes in; what isn't there is left out."""
        parts, modules = self._parts, self._packing
        kinds: dict[str, Sequence[Source]] = {
            "kernel": [parts.kernel],
            "initrd": parts.initrds,
            "System.map": [*filter(None, [parts.system_map])],
            "config": [*filter(None, [parts.config])],
        }
        found = [
            Amount(what, sum(size_of(self._files[each]) for each in of), len(of))
            for what, of in kinds.items()
            if of
        ]
        if modules:
            found.append(Amount("modules", modules.size, modules.files))
        return found

    def store(self, store: ArtifactStore, progress: Progress | None) -> Artifacts:
        """Store everything, once the modules were surveyed."""
        parts = self._parts

        def keep(source: Source) -> ArtifactRef:
            return stored(store, self._files[source], source.name, progress)

        modules = None
        if parts.modules and self._packing:
            packed = self._packing.chunks()
            ref = store.add_stream(packed, progress, name=parts.modules.name)
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


def size_of(file: BinaryIO) -> int:
    """Return how many bytes an open file has."""
    return os.fstat(file.fileno()).st_size


def stored(
    store: ArtifactStore, file: BinaryIO, name: str, progress: Progress | None
) -> ArtifactRef:
    """Store an open file."""
    ref = store.adopt(file.fileno(), name, progress)
    return ArtifactRef(sha256=ref.sha256, size=ref.size)


def wrong_arch(name: str, found: str, arch: str) -> InvalidInput:
    """Return what is wrong with a kernel of another architecture."""
    return InvalidInput(
        f"{name} is for {found}, the image is {arch}",
        hint="give the kernel that was built for the image's machines",
    )
