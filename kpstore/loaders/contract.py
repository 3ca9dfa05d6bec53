"""What a boot loader is to kp: a file that fulfils one of these, named in `registry`.

A loader's file is its language: pure functions from menus to text and back, and the
few facts below. Every writer first asks `kpstore.loaders.menu.admit`.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from kpstore.loaders.listing import Listing
from kpstore.loaders.lookup import Lookup
from kpstore.loaders.menu import Linux, Menu, TreeOptions
from kpstore.loaders.tree import Tree

LINE: Final = 2046
"""The longest line that kernels take: x86's 2,047 bytes with their NUL.

PXELINUX stops at its prompt when one is longer; GRUB and iPXE cut it in silence.
"""
FETCHES: Final = 6
"""How often a menu that can count fetches before the machine starts again."""


class NetworkLoader(Protocol):
    """A loader that comes over the network, and asks there for its menu."""

    @property
    def lookup(self) -> Lookup:
        """Where it looks."""

    @property
    def boot_files(self) -> str:
        """What DHCP has to name, in words: kp doesn't install it."""

    @property
    def own_files(self) -> tuple[str, ...]:
        """The files of its own that may lie in a TFTP root, by their usual names."""

    @property
    def line_limit(self) -> int:
        """The longest command line that it carries, in bytes, with what it adds."""

    @property
    def fills_variables(self) -> bool:
        """Whether it fills in node variables; `read_node` reads the file that does.

        False: a node with variables gets the whole menu as a file of its own.
        """

    @property
    def from_own_folder(self) -> bool:
        """Whether paths count from where it was loaded, which is kp's root."""

    def write_menu(self, menu: Menu) -> bytes:
        """Write what a template's nodes boot."""

    def write_node(
        self, menu: Menu, values: Mapping[str, str], menu_path: str
    ) -> bytes:
        """Write the own file of a node with variables.

        It sets them and goes on to `menu_path`, or is the whole menu where the loader
        has no variables.
        """

    def write_default(self, prefix: str) -> bytes | None:
        """Write the file at the default name, for kp's root at `prefix`.

        None: the menu of unknown nodes is all that has to be there.
        """

    def read_menu(self, data: bytes) -> Menu:
        """Read back what `write_menu` wrote."""

    def added(self, boot: Linux) -> str:
        """Return what is put around the parameters on the kernel's command line."""


class DiskFiles(NamedTuple):
    """A disk loader's files by path in the image's tree.

    `switch` is the one that decides what boots: it is replaced last.
    """

    files: Mapping[str, bytes]
    switch: str


class DiskLoader(Protocol):
    """The loader on a machine's own disk.

    What it can't say or carry, `files` refuses.
    """

    @property
    def is_shared(self) -> bool:
        """Whether several loaders read its files: which, the tree tells."""

    @property
    def read_instead(self) -> Mapping[str, str]:
        """Files that it reads when it was installed elsewhere: path -> what to do.

        kp doesn't install it; with such a file in a tree, its own might not be read.
        """

    def files(
        self, menus: Mapping[str, Menu], default: str, options: TreeOptions
    ) -> DiskFiles:
        """Return what lists `menus`, by the entries' names, and boots `default`."""

    def read(
        self, files: Mapping[str, bytes], options: TreeOptions
    ) -> tuple[dict[str, Menu], str]:
        """Read back what `files` made: menus and default, by the entries' names.

        InvalidInput for anything else: it is how tests know what was written.
        """


class ForeignReader(Protocol):
    """Reads a loader's configuration that kp did not write.

    It never guesses: what it doesn't understand is said in a listing's `unread`.
    """

    def read(self, tree: Tree) -> Iterator[Listing]:
        """Yield what each configuration says that the loader has in the tree."""
