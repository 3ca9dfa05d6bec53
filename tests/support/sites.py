"""Small sites made through KernelPicker, with every kind of node that a menu can have.

One TFTP target with three loaders, the tree of image `web` as a second target, two
images, nodes with and without variables. The steps of a story are functions of a
picker; clock, people and contents are fixed, so that a site has the same commits
wherever it is made.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from kpstore.disk.beneath import Beneath
from kpstore.edits import entries, groups, images, nodes, targets
from kpstore.formats.module_tar import Packing
from kpstore.history import drafts
from kpstore.model.documents import ArtifactRef, Artifacts, KernelConfig, Origin, Site
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import Outcome
from kpstore.operations.proposal import Proposal
from kpstore.operations.rollback import Rollback
from kpstore.operations.transaction import Manner, carry_out
from kpstore.picker import KernelPicker
from kpstore.site.settings import Settings, save

NOW = 2_000_000_000.0  # later than any file that a test makes
DAY = 86_400.0
SITE_ID = "5" * 32
LOADERS = ("pxelinux", "grub", "ipxe")
GRACE = 3600


def mac(number: int) -> str:
    """Return the MAC of node number `number`."""
    return f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"


def name(number: int) -> str:
    """Return the name of node number `number`."""
    return f"n{number:03}"


@dataclass(frozen=True)
class SmallSite:
    """The places of a site below one directory; `day` is when its caller acts.

    `shared`: the group, by name or number, whose site and targets they are.
    """

    where: Path
    user: str = "ann"
    day: float = 0
    wait: float = 60.0
    shared: str = ""
    told: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Return the site directory."""
        return self.where / "site"

    @property
    def tftp(self) -> Path:
        """Return the TFTP root."""
        return self.where / "tftp"

    @property
    def tree(self) -> Path:
        """Return the tree of image web."""
        return self.where / "web"

    def caller(self) -> Caller:
        """Return the caller, at a fixed time."""
        return Caller(
            self.user,
            "head",
            ("kp", "test"),
            lambda: NOW + self.day * DAY,
            wait=self.wait,
            notify=self.told.append,
        )

    def picker(self) -> KernelPicker:
        """Open the site as a new process does."""
        return KernelPicker.open(self.root, self.caller())

    def create(self) -> KernelPicker:
        """Make the site (r1), its two empty targets, and kp.toml."""
        for release in ("6.1", "6.2"):
            module_archive(release)  # packed before any harness looks
        self.make_roots()
        KernelPicker.create(
            self.root,
            self.caller(),
            site_id=SITE_ID,
            name="small",
            shared=self.shared,
        )
        self.save_paths()
        return self.picker()

    def make_roots(self) -> None:
        """Make an empty TFTP root and the tree as a distribution leaves it."""
        self.tftp.mkdir()
        for folder in ("boot/grub", "lib/modules/6.0/kernel", "etc"):
            (self.tree / folder).mkdir(parents=True)
        (self.tree / "boot/vmlinuz-6.0").write_bytes(b"the distribution's kernel")
        (self.tree / "lib/modules/6.0/modules.dep").write_bytes(b"")
        for root in (self.tftp, self.tree) if self.shared else ():
            os.chown(root, -1, int(self.shared))
            root.chmod(0o2775)

    def save_paths(self) -> None:
        """Write kp.toml."""
        paths = Settings({"net": self.tftp}, {"web": self.tree}, self.shared)
        save(self.root / "kp.toml", paths)


def content(kind: str, release: str) -> bytes:
    """Return the bytes of a made-up kernel or initrd."""
    return f"the {kind} of {release}\n".encode() * 40


@lru_cache
def module_archive(release: str) -> bytes:
    """Return the archive of a small module tree."""
    with tempfile.TemporaryDirectory() as place:
        kernel = Path(place) / release / "kernel"
        kernel.mkdir(parents=True)
        (kernel / "a.ko").write_bytes(content("module", release))
        (kernel.parent / "modules.dep").write_bytes(b"kernel/a.ko:\n")
        with Beneath.open(Path(place)) as tree:
            return b"".join(Packing(tree, release).chunks())


def add_kernel(
    picker: KernelPicker, release: str, *, modules: bool = False
) -> KernelConfig:
    """Put a kernel's files into the store; return what it is."""

    def add(data: bytes) -> ArtifactRef:
        ref = picker.site.artifacts.add_stream([data])
        return ArtifactRef(sha256=ref.sha256, size=ref.size)

    return KernelConfig(
        release=release,
        arch="x86_64",
        origin=Origin(kind="files"),
        artifacts=Artifacts(
            vmlinuz=add(content("kernel", release)),
            initrd=(add(content("initrd", release)),),
            modules=add(module_archive(release)) if modules else None,
        ),
    )


def put_kernel(state: State, image: str, kernel: KernelConfig) -> None:
    """Give an image a kernel, by the name of its release."""
    state.put(Key("kernel", kernel.release, image), kernel)


# --- the steps of a story; each is one commit, but for `first_day`'s good verdict

Step = Callable[[KernelPicker], Outcome]


def done(outcome: Outcome | None) -> Outcome:
    """Return what must be there once an edit with a message is over."""
    assert outcome is not None
    return outcome


def first_import(picker: KernelPicker) -> Outcome:
    """Bring in everything: targets, images, kernels, entries, nodes, groups (r2)."""
    with picker.edit("first day", op="import") as edit:
        lay_out(picker, edit.state)
    return done(edit.outcome)


def lay_out(picker: KernelPicker, state: State) -> None:
    """Put all of the first day into a state."""
    one, gpu = add_kernel(picker, "6.1", modules=True), add_kernel(picker, "5.4")
    site = state.site()
    rules = site.retention.model_copy(update={"grace": GRACE})
    state.put(Key("site"), Site(**{**dict(site), "retention": rules}))
    targets.add(state, "net", {"kind": "tftp", "loaders": LOADERS})
    image = {"kind": "image", "loaders": ("grub",), "image": "web"}
    targets.add(state, "disk", image)
    images.add(state, "web", {"arch": "x86_64", "params": ("root=/dev/sda1",)})
    put_kernel(state, "web", one)
    mixed = {"kernel": "6.1", "method": "mixed", "params": ("quiet", "panic=10")}
    entries.add(state, "web", "production", mixed)
    entries.add(state, "web", "rescue", {"kernel": "6.1", "params": ("panic=5",)})
    images.add(state, "gpu", {"arch": "x86_64"})
    put_kernel(state, "gpu", gpu)
    own = {"kernel": "5.4", "params": ("panic=9", "node_id={node.index}")}
    entries.add(state, "gpu", "run", own)
    for number in range(6):
        fields = {"macs": (mac(number),), "index": number}
        image_name = "web" if number < 4 else "gpu"
        nodes.add(state, name(number), {**fields, "image": image_name})
    console = {"nodes": "n[000-001]", "params": ("console=ttyS0",)}
    groups.add(state, "rack1", console)


def call_good(picker: KernelPicker) -> Outcome:
    """Say that what image web boots is good."""
    return picker.judge("good", [("web", None, None)], "it runs")


def second_kernel(picker: KernelPicker) -> Outcome:
    """A new kernel becomes the default of image web: an image-level change."""
    two = add_kernel(picker, "6.2", modules=True)
    with picker.edit("second kernel") as edit:
        put_kernel(edit.state, "web", two)
        fields = {"kernel": "6.2", "method": "mixed", "params": ("quiet", "panic=10")}
        entries.add(edit.state, "web", "next", fields, default=True)
    return done(edit.outcome)


def moving_nodes(picker: KernelPicker) -> Outcome:
    """Nodes move between templates and files of their own; one comes, one goes."""
    with picker.edit("nodes move") as edit:
        state = edit.state
        nodes.change(state, [name(0)], {"image": "gpu"})  # gets own files
        nodes.change(state, [name(4)], {"image": "web"})  # loses them
        nodes.change(state, [name(5)], {"index": 15})  # its own change
        nodes.set_next(state, [name(2)], "rescue")  # another template
        nodes.remove(state, [name(3)])
        nodes.add(state, name(6), {"macs": (mac(6),), "image": "gpu", "index": 6})
        groups.change(state, "rack1", {"nodes": "n[001-002]"})
    return done(edit.outcome)


def roll_back(picker: KernelPicker) -> Outcome:
    """Image web goes back to known-good."""
    return picker.rollback(Rollback(("web",)))


def small_edit(picker: KernelPicker) -> Outcome:
    """The smallest next command: a parameter of one image, if there is one yet."""
    if not State(picker.site.main()).names("image"):
        return first_import(picker)
    number = picker.site.record(picker.site.tip()).revision
    with picker.edit("next command", beside_draft=True) as edit:
        images.change(edit.state, "gpu", {"params": (f"kp.after={number}",)})
    return done(edit.outcome)


def plant(picker: KernelPicker, change: Callable[[State], object]) -> Outcome:
    """Commit a change that no rule is asked of, as an older kp may have left one."""
    with picker.writing():
        main = picker.site.main()
        state = State(main)
        change(state)
        proposal = Proposal(picker.site, main, state.changes, judges=True)
        intent = picker.caller.intent("edit", "what no verb does")
        return carry_out(proposal, intent, Manner(go_through=True))


def push(site: SmallSite, user: str, change: Callable[[State], object]) -> None:
    """Leave a draft as a git client does: nobody asked a rule of it."""
    picker = site.picker()
    main = picker.site.main()
    state = State(main)
    change(state)
    assert main.commit
    drafts.save(
        picker.site.repository,
        user,
        main.commit,
        state.changes,
        expected=None,
        author=f"{user} <{user}@desk>",
        time=int(NOW),
        host="desk",
    )


def files_of(site: SmallSite) -> set[str]:
    """Return the paths below the roots of the site's targets."""
    roots = (site.tftp, site.tree)
    return {str(path) for root in roots for path in root.rglob("*")}


def make(where: Path, *steps: Step) -> SmallSite:
    """Make a site below `where` and take the steps."""
    site = SmallSite(where)
    picker = site.create()
    for step in steps:
        step(picker)
    return site
