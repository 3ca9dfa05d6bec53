"""The renderer's name: what draws the same has the same, whatever its version.

It is the digest of all that a made-up state is rendered to: every loader, with and
without node variables, groups, a next boot, the policy, image trees. So no upgrade has
to remember to say that it draws something otherwise.
"""

from functools import lru_cache
from hashlib import sha256

from kpstore.model.documents import (
    ArtifactRef,
    Artifacts,
    BootConfig,
    Document,
    Group,
    Image,
    KernelConfig,
    NextBoot,
    Node,
    Origin,
    Site,
    Ssi,
)
from kpstore.model.keys import Key
from kpstore.model.state import Empty, State
from kpstore.targets.registry import KINDS
from kpstore.targets.served_bytes import served_bytes


@lru_cache(maxsize=1)
def name() -> str:
    """Return 12 hex digits."""
    digest = sha256()
    made = served_bytes(State(Empty(), _sample()))
    for kind in KINDS.values():
        made |= kind.always()
    for path, data in sorted(made.items()):
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:12]


def _sample() -> dict[Key, Document | None]:
    return {
        Key("site"): Site(id="0" * 32, name="sample"),
        **{
            Key("target", name): target
            for kind in KINDS.values()
            for name, target in kind.samples(("plain", "disk")).items()
        },
        **_image("plain", "mixed", "root=/dev/sda1", "console=tty0", "panic=10"),
        **_image("own", "network", "id={node.index}", "r={node.var.rack};a b$x"),
        **_image("disk", "local", "root=LABEL=/"),
        Key("group", "rack"): Group(
            nodes="n[1-2]", params=("console=ttyS0,115200n8",), priority=1
        ),
        **{
            Key("node", f"n{at}"): Node(
                name=f"n{at}",
                macs=(f"02:00:00:00:00:0{at}",),
                image=image,
                index=at,
                vars={"rack": "r1"},
                params=("nosmt",) if at % 2 else (),
                next=NextBoot(entry="own/spare", params=("nosmt",))
                if image is None
                else None,
            )
            for at, image in enumerate(("plain", "own", "disk", None), start=1)
        },
    }


def _image(name: str, method: str, *params: str) -> dict[Key, Document | None]:
    """Return an image with a kernel and two entries."""
    artifacts = Artifacts(
        vmlinuz=_file(1), initrd=(_file(2), _file(3)), config=_file(4)
    )
    kernel = {
        "release": "6.1.0-1",
        "arch": "x86_64",
        "origin": Origin(kind="files"),
        "artifacts": artifacts,
    }
    entry = {"kernel": "linux", "method": method, "params": ("quiet",), "ssi": True}
    ssi = Ssi(params=("ssi=1",))
    return {
        Key("image", name): Image(arch="x86_64", default="run", params=params, ssi=ssi),
        Key("kernel", "linux", name): KernelConfig.model_validate(kernel),
        Key("entry", "run", name): BootConfig.model_validate(entry),
        Key("entry", "spare", name): BootConfig.model_validate(entry | {"ssi": False}),
    }


def _file(at: int) -> ArtifactRef:
    return ArtifactRef(sha256=f"{at}" * 64, size=at)
