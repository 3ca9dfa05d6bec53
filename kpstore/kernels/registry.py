"""The origins that there are, in the order of the command's options."""

from collections.abc import Sequence
from typing import Final

from kpstore.kernels.contract import KernelOrigin
from kpstore.kernels.origins.files import Files
from kpstore.kernels.origins.hypervisor import Hypervisor
from kpstore.kernels.origins.installed import InstalledKernel

ORIGINS: Final[Sequence[KernelOrigin]] = (Files(), Hypervisor(), InstalledKernel())

# Origins that a later version brings: said so, not taken for a mistake.
LATER: Final = {
    "--package": "packages of repositories",
    "--deb": "deb packages",
    "--rpm": "rpm packages",
    "--source": "built source trees",
    "--from-node": "kernels of running nodes",
}
