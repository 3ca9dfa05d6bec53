"""What all loaders share: how they end, and how they ask a server for a menu."""

from histories.boots import Linux
from histories.chroot import Chroot


class Lost(Exception):  # noqa: N818 - it is an end
    """A machine that boots nothing: it restarts, or stops at a prompt."""


class Booted(Exception):  # noqa: N818 - it is an end
    """A kernel runs; `None`: the firmware goes on to the disk."""

    def __init__(self, linux: Linux | None = None) -> None:
        self.linux = linux


def menu(server: Chroot, path: str) -> str | None:
    data = server.read(path)
    passes = server.through.count("live")
    if data is not None and passes > 1:
        raise Lost(f"{path}: passes `live` {passes} times")
    return None if data is None else data.decode("utf-8")
