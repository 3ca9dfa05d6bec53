"""Both ways of look-up as test parameters; openat2 is skipped where it is missing."""

import os

import pytest

from kpstore.disk.resolve import by_kernel, resolver


def _kernel_has_openat2() -> bool:
    directory = os.open("/", os.O_RDONLY)
    try:
        return resolver(directory, None) is by_kernel
    finally:
        os.close(directory)


needs_openat2 = pytest.mark.skipif(
    not _kernel_has_openat2(), reason="this kernel has no openat2"
)
RESOLVERS = [
    pytest.param(True, id="openat2", marks=needs_openat2),
    pytest.param(False, id="walk"),
]
