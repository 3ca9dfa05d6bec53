"""Where a kernel comes from: exactly one origin, of those there are already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kpcmd.errors import WrongUsage
from kpstore.artifacts.store import Progress
from kpstore.errors import InvalidInput, NotFound, Refused
from kpstore.kernels.gather import Gathered
from kpstore.kernels.origins.files import KernelFiles, beside
from kpstore.model.documents import Image
from kpstore.picker import KernelPicker

# Origins that a later version brings: said so, not taken for a mistake.
LATER = {
    "--package": "packages of repositories",
    "--deb": "deb packages",
    "--rpm": "rpm packages",
    "--source": "built source trees",
    "--from-node": "kernels of running nodes",
}


@dataclass(frozen=True)
class Origin:
    """What was given; `later` are options whose time has not come."""

    kernel: Path | None = None
    initrds: tuple[Path, ...] = ()
    modules: Path | None = None
    system_map: Path | None = None
    config: Path | None = None
    hypervisor: Path | None = None
    installed: str | None = None
    later: Mapping[str, object] = field(default_factory=dict)
    mismatch: bool = False

    def check(self) -> None:
        """WrongUsage unless there is one origin; Refused for one that is to come."""
        given = [name for name, value in self.later.items() if value is not None]
        now = {
            "--files": self.kernel,
            "--xen": self.hypervisor,
            "--installed": self.installed,
        }
        given += [name for name, value in now.items() if value is not None]
        if len(given) != 1:
            shown = f"not {' and '.join(given)}" if given else "none was given"
            raise WrongUsage(
                f"a kernel has exactly one origin, {shown}",
                hint="--files KERNEL [--initrd F] [--modules DIR], or --installed R",
            )
        if given[0] in LATER:
            raise Refused(
                f"{given[0]}: kp can't take {LATER[given[0]]} yet",
                hint="unpack it, then --files KERNEL --initrd F --modules DIR",
            )
        parts = (self.initrds, self.modules, self.system_map, self.config)
        if self.kernel is None and any(parts):
            raise WrongUsage(
                "--initrd, --modules, --system-map and --config go with --files",
                hint="kp kernel add IMAGE --files KERNEL --initrd F --modules DIR",
            )
        self._check_files()

    def _check_files(self) -> None:
        """NotFound, InvalidInput for a file that isn't there, or is none."""
        singles = (self.kernel, self.system_map, self.config, self.hypervisor)
        for path in filter(None, (*singles, *self.initrds)):
            if not path.exists():
                raise NotFound(f"there is no file {path}", hint="look at its path")
            if not path.is_file():
                raise InvalidInput(
                    f"{path} is not a file", hint="give one of its files"
                )

    def take(
        self, opened: KernelPicker, name: str, image: Image, progress: Progress
    ) -> Gathered:
        """Take the kernel in; what doesn't belong together is refused by name."""
        tree = opened.site.settings.trees.get(name)
        if self.hypervisor is not None:
            return opened.intake.hypervisor(image, self.hypervisor)
        if self.installed is not None:
            return opened.intake.installed(
                image,
                _known(name, tree),
                self.installed,
                force_mismatch=self.mismatch,
                progress=progress,
            )
        return opened.intake.files(
            image, self.files, tree, force_mismatch=self.mismatch, progress=progress
        )

    @cached_property
    def files(self) -> KernelFiles:
        """What --files means: a kernel that is given alone comes with its neighbours.

        InvalidInput when it is no kernel.
        """
        assert self.kernel is not None  # check() made sure
        parts = (self.initrds, self.modules, self.system_map, self.config)
        return KernelFiles(self.kernel, *parts) if any(parts) else beside(self.kernel)


def _known(image: str, tree: Path | None) -> Path:
    if tree is None:
        raise NotFound(
            f"the tree of image {image} is not known on this server",
            hint="kp target add NAME --kind image …, or [trees] in kp.toml",
        )
    return tree
