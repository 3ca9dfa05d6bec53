"""Root without its power over modes: what a kp meets that isn't root."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_OVERRIDES: Final = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_VERSION: Final = 0x20080522  # linux/capability.h: two words of each set
_LIBC: Final = ctypes.CDLL(None, use_errno=True)

_Words = ctypes.c_uint32 * 6  # effective, permitted, inheritable, twice


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """Let modes bind this thread, as they bind whoever isn't root."""
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    held = _Words()
    _call("capget", header, held)
    fewer = _Words(*held)
    fewer[0] &= ~_OVERRIDES
    _call("capset", header, fewer)
    try:
        yield
    finally:
        _call("capset", header, held)


def _call(name: str, *args: object) -> None:
    if getattr(_LIBC, name)(*args):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
