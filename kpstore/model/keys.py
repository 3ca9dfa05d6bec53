"""What names a document: its kind and one or two names."""

from typing import Final, Literal, NamedTuple

from kpstore.model.documents import (
    BootConfig,
    Document,
    Group,
    Image,
    KernelConfig,
    Node,
    Rollout,
    Site,
    Target,
    Verdict,
)

Kind = Literal[
    "site", "target", "image", "entry", "kernel", "node", "group", "verdict", "rollout"
]

MODELS: Final[dict[Kind, type[Document]]] = {
    "site": Site,
    "target": Target,
    "image": Image,
    "entry": BootConfig,
    "kernel": KernelConfig,
    "node": Node,
    "group": Group,
    "verdict": Verdict,
    "rollout": Rollout,
}


class Key(NamedTuple):
    """`Key("entry", "production", "web")` is the entry `production` of image `web`.

    `within` is the image of an entry or kernel, else empty.
    """

    kind: Kind
    name: str = ""
    within: str = ""

    def __str__(self) -> str:
        """Say it as messages do: `entry web/production`."""
        name = f"{self.within}/{self.name}" if self.within else self.name
        return f"{self.kind} {name}".strip()
