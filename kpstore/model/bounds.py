"""How much of everything there may be: checked before it is read or expanded.

The table in docs/format.md lists them. A site of 1,000,000 nodes stays possible.
"""

from typing import Final

NODES: Final = 1_000_000  # that a set names
NODES_WRITTEN: Final = 2 * NODES  # that its parts name, before they are combined
GROUP_DEPTH: Final = 50  # groups within groups
DOCUMENT: Final = 16 << 20  # bytes of a document, or of a file of nodes' lines
SETTING: Final = 1_000_000_000  # a number of the site's settings; seconds: 31 years
PARAMETERS: Final = 1_000  # in one list of them
ADDRESSES: Final = 64  # MACs, or IP addresses, of a node
VARIABLES: Final = 256  # of a node
MESSAGE: Final = 64 << 10  # characters of a commit's message, an author, a ticket
TABLE: Final = 256 << 20  # bytes of a table of nodes
SETTINGS: Final = 1 << 20  # bytes of kp.toml
ENTRIES: Final = 1_000  # of an image: its disk's menu has them all
INITRDS: Final = 64  # of a kernel: each menu names them all
KERNEL: Final = 1 << 30  # bytes, unpacked: a vmlinux with its debug data is smaller
INITRD: Final = 1 << 35  # bytes, as it is and unpacked: a root file system may be one
INITRD_FILES: Final = 1 << 20  # in one
