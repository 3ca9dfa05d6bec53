"""A file as the origin of a Xen hypervisor."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kpstore.kernels.contract import Given, Option, Parts, told
from kpstore.kernels.origins.files import check_file, source


class Hypervisor:
    """The origin `--xen`."""

    option = Option("--xen", "F", "A Xen hypervisor's file.")
    beside = ()
    usage = "--xen F"

    @contextmanager
    def open(self, given: Given) -> Iterator[Parts]:
        """Open the file."""
        path = Path(given.value)
        check_file(path)
        yield Parts(source(path), told("files", hypervisor=path), kind="xen")
