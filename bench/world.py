"""Sites to measure: images, two kernels, N nodes, one TFTP target, one loader."""

import time
from pathlib import Path

from kpstore.edits import entries, nodes, targets
from kpstore.edits import images as edits
from kpstore.inventory.csv import read_nodes
from kpstore.model.documents import ArtifactRef, Artifacts, KernelConfig, Origin
from kpstore.model.keys import Key
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import Outcome
from kpstore.operations.rollback import Rollback
from kpstore.picker import KernelPicker
from kpstore.site.settings import Settings, save

ENTRIES = ("production", "next")


def mac(number: int) -> str:
    """Return the MAC of a node."""
    return f"02:00:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def image(number: int) -> str:
    """Return the name of an image; that of the first is the one that is changed."""
    return f"web{number}" if number else "web"


def table(count: int, images: int = 1) -> bytes:
    """Return the CSV of N nodes, spread over the images."""
    rows = (f"n{n:06},{mac(n)},{image(n % images)},{n}\n" for n in range(count))
    return ("name,mac,image,index\n" + "".join(rows)).encode()


class World:
    """A site of N nodes below one directory; each has files of its own, if wanted."""

    def __init__(
        self, where: Path, count: int, *, own: bool = False, images: int = 1
    ) -> None:
        self.where, self.count = where, count
        self.tftp = where / "tftp"
        self.tftp.mkdir(parents=True)
        picker = KernelPicker.create(
            where / "site", self.caller(), site_id="0" * 32, name="bench"
        )
        save(where / "site/kp.toml", Settings({"net": self.tftp}, {}))
        picker = self.picker()
        kernels = {name: self._kernel(picker, name) for name in ENTRIES}
        with picker.edit("first") as edit:
            state = edit.state
            options = {"kind": "tftp", "loaders": ("pxelinux",)}
            targets.add(state, "net", options)
            params = ("root=/dev/sda1", *(["node_id={node.index}"] if own else []))
            for name in map(image, range(images)):
                edits.add(state, name, {"arch": "x86_64", "params": params})
                for entry, kernel in kernels.items():
                    state.put(Key("kernel", entry, name), kernel)
                    fields = {"kernel": entry, "params": ("panic=10",)}
                    entries.add(state, name, entry, fields)

    def caller(self) -> Caller:
        """Return the caller."""
        return Caller("bench", "bench", ("bench",), time.time)

    def picker(self) -> KernelPicker:
        """Open the site as a new process would."""
        return KernelPicker.open(self.where / "site", self.caller())

    def _kernel(self, picker: KernelPicker, release: str) -> KernelConfig:
        def add(kind: str) -> ArtifactRef:
            ref = picker.site.artifacts.add_stream([f"{kind} {release}".encode()])
            return ArtifactRef(sha256=ref.sha256, size=ref.size)

        return KernelConfig(
            release=release,
            arch="x86_64",
            origin=Origin(kind="files"),
            artifacts=Artifacts(vmlinuz=add("kernel"), initrd=(add("initrd"),)),
        )

    def fill(self, csv: bytes) -> None:
        """Import the nodes: CSV to live."""
        read = read_nodes(csv, None)
        with self.picker().edit("nodes") as edit:
            nodes.put_all(edit.state, read.nodes)

    def flip(self, turn: int) -> Outcome | None:
        """Change the image's default: committed and live for all nodes."""
        with self.picker().edit("flip") as edit:
            other = ENTRIES[edit.state.image("web").default == ENTRIES[0]]
            edits.set_default(edit.state, "web", other)
        return edit.outcome

    def back(self, turn: int) -> None:
        """Roll a flip back, to the time before the import: it boots the first entry."""
        assert self.picker().rollback(Rollback(("web",), to="r2")).commit

    def one_node(self, turn: int) -> Outcome | None:
        """Change one node's command line."""
        with self.picker().edit("node") as edit:
            nodes.change(edit.state, ["n000007"], {}, add_params=(f"turn={turn}",))
        return edit.outcome
