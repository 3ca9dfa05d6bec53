"""What an origin of kernels fulfils: its options, and the files that it opens."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple, Protocol

from kpstore.disk.beneath import Beneath
from kpstore.model.documents import Origin

_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class Option(NamedTuple):
    """An option of `kp kernel add`; its value is a path of this server, or a word."""

    name: str
    metavar: str
    help: str
    is_path: bool = True
    repeated: bool = False


@dataclass(frozen=True)
class Given:
    """What a person gave an origin.

    `value` is that of its option, `beside` those of the options that go with it;
    `image` its name, for messages; `tree` that image's on this server, if known.
    """

    value: str
    beside: Mapping[str, Sequence[str]] = field(default_factory=dict)
    image: str = ""
    tree: Path | None = None


class Source(NamedTuple):
    """A file to take in: its name for messages, and how to open it."""

    name: str
    open: Callable[[], BinaryIO]


class ModuleTree(NamedTuple):
    """A module tree to take in: a folder below `tree`; `name` is for messages."""

    name: str
    tree: Beneath
    rel: str


@dataclass(frozen=True)
class Parts:
    """The files of one kernel; all but the kernel itself may be missing.

    `kind` xen: the kernel is a hypervisor. `doubts`: what a person should know of how
    they were found.
    """

    kernel: Source
    origin: Origin
    initrds: Sequence[Source] = ()
    modules: ModuleTree | None = None
    system_map: Source | None = None
    config: Source | None = None
    kind: Literal["linux", "xen"] = "linux"
    doubts: Sequence[str] = ()


class KernelOrigin(Protocol):
    """Where kernels come from; `usage` says in short how it is given."""

    @property
    def option(self) -> Option:
        """The option that names it."""

    @property
    def beside(self) -> Sequence[Option]:
        """Options that go with it, and with no other."""

    @property
    def usage(self) -> str:
        """An example of its options."""

    def open(self, given: Given) -> AbstractContextManager[Parts]:
        """Find a kernel's files, to be looked into and stored within the block.

        Raises NotFound, InvalidInput or Refused for what can't be taken, by name.
        """


def told(kind: Literal["files", "installed"], **given: object) -> Origin:
    """Say where files came from; what a text may not hold becomes `?`."""
    detail = {what: _UNPRINTABLE.sub("?", str(each)) for what, each in given.items()}
    return Origin(kind=kind, detail=detail)
