"""The documents of boot state: frozen, strict values, one JSON document each.

Their canonical form and their paths are `kpstore.history.codec`'s; their fields are
documented in docs/format.md. Unknown keys are refused by name.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticKnownError

from kpstore.errors import InvalidInput
from kpstore.model import bounds, names
from kpstore.model.names import parse_ip
from kpstore.model.params import fields
from kpstore.model.params.rules import Rules, rules_of
from kpstore.model.vocabulary import LOADERS, Loader

Name = Annotated[str, StringConstraints(pattern=names.NAME)]
NodeName = Annotated[str, StringConstraints(pattern=names.NODE_NAME)]
Mac = Annotated[str, StringConstraints(pattern=names.MAC)]
Sha256 = Annotated[str, StringConstraints(pattern=names.SHA256)]
PayloadId = Annotated[str, StringConstraints(pattern=names.PAYLOAD)]
Release = Annotated[str, StringConstraints(pattern=names.RELEASE)]
VariableName = Annotated[str, StringConstraints(pattern=names.VARIABLE)]
RevisionName = Annotated[str, StringConstraints(pattern=r"^r[1-9][0-9]{0,8}$")]
VariableValue = Annotated[str, StringConstraints(pattern=names.VARIABLE_VALUE)]
Text = Annotated[
    str, StringConstraints(max_length=4096, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Arch = Literal[
    "x86_64", "i386", "aarch64", "ppc64le", "ppc64", "ia64", "s390x", "riscv64"
]
Method = Literal["local", "network", "mixed"]


# Zones are taken no more; those that a card can have stay readable.
_ZONE: Final = re.compile(r"%[A-Za-z0-9._-]{1,15}\Z")


def _canonical_ip(text: str) -> str:
    bare = _ZONE.sub("", text)
    try:
        canonical = parse_ip(bare)
    except InvalidInput as error:
        raise ValueError(error.message) from None
    if canonical != bare or (bare != text and ":" not in bare):
        raise ValueError(f"{text!r} is not in canonical form ({canonical})")
    return text


Ip = Annotated[str, AfterValidator(_canonical_ip)]


class Document(BaseModel):
    """A frozen value whose unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        defer_build=True,
        populate_by_name=True,
    )


class VariableRule(Document):
    """What a node variable must satisfy before a commit uses it."""

    unique: bool = False
    minimum: int | None = None
    maximum: int | None = None


class Retention(Document):
    """What is kept: generations, good payloads an image, seconds of grace."""

    generations: int = Field(default=10, ge=1, le=bounds.SETTING)
    known_good: int = Field(default=3, ge=1, le=bounds.SETTING)
    grace: int = Field(default=86400, ge=0, le=bounds.SETTING)


class Site(Document):
    """The installation's own settings (site.json)."""

    format: Literal[1] = 1
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    name: Name
    unknown_nodes: Literal["local"] = "local"
    confirm_above: int = Field(default=50, ge=0, le=bounds.SETTING)
    retention: Retention = Retention()
    params_table: fields.Table = 1
    params_append: fields.Keys = ()
    params_replace: fields.Keys = ()
    params_together: fields.KeySets = ()
    required_params: fields.Without = ()
    forbidden_params: fields.Without = ()
    locks: fields.Locks = {}
    repeatable: tuple[str, ...] = ("console", "earlycon", "modprobe.blacklist")
    variables: dict[str, VariableRule] = Field(
        default_factory=lambda: {"index": VariableRule(unique=True, minimum=0)}
    )

    @property
    def rules(self) -> Rules:
        """Return how parameters behave in this site."""
        return rules_of(self.__dict__)


def _known_kind(kind: Any) -> str:
    if isinstance(kind, str) and kind in LOADERS:
        return kind
    expected = " or ".join(map(repr, LOADERS))
    raise PydanticKnownError("literal_error", {"expected": expected})


TargetKind = Annotated[
    str,
    PlainValidator(_known_kind),
    WithJsonSchema({"enum": [*LOADERS], "type": "string"}),
]


class TargetOptions(Document):
    """TFTP: `prefix` below the root, GRUB's folder, the `server` that nodes ask.

    Image tree: whether a foreign loader file gives way, until the target is removed.
    """

    replace: bool = False
    prefix: Annotated[
        str, StringConstraints(pattern=r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$")
    ] = ""
    grub_dir: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")
    ] = "grub"
    server: fields.Server = ""


class Target(Document):
    """A place kp publishes to; its path is local (kp.toml)."""

    kind: TargetKind
    loaders: Annotated[tuple[Loader, ...], Field(min_length=1)]
    image: Name | None = None
    enabled: bool = True
    options: TargetOptions = TargetOptions()


class Ssi(Document):
    """Single-system-image parameters that entries with `ssi` add."""

    params: fields.Parameters = ()
    without: fields.Without = ()


class Image(Document):
    """An OS tree that nodes run: its architecture, default entry and parameters."""

    arch: Arch
    default: Name | None = None
    params: fields.Parameters = ()
    without: fields.Without = ()
    required_params: fields.Without = ()
    forbidden_params: fields.Without = ()
    required_modules: tuple[Name, ...] = ()
    required_firmware: tuple[Text, ...] = ()
    ssi: Ssi | None = None


class XenConfig(Document):
    """The hypervisor of a boot entry: a kernel of kind `xen` and its parameters."""

    kernel: Name
    params: fields.Parameters = ()


class BootConfig(Document):
    """A boot entry: a named, bootable choice of an image."""

    kernel: Name
    method: Method = "network"
    params: fields.Parameters = ()
    without: fields.Without = ()
    xen: XenConfig | None = None
    ssi: bool = False


class ArtifactRef(Document):
    """One immutable file of boot content; size in bytes."""

    sha256: Sha256
    size: int = Field(ge=0)


class Artifacts(Document):
    """The files of a kernel; `vmlinuz` holds the hypervisor for kind `xen`."""

    vmlinuz: ArtifactRef
    initrd: Annotated[tuple[ArtifactRef, ...], Field(max_length=bounds.INITRDS)] = ()
    modules: ArtifactRef | None = None
    system_map: ArtifactRef | None = Field(default=None, alias="System.map")
    config: ArtifactRef | None = None

    def refs(self) -> tuple[ArtifactRef, ...]:
        """Return every file that there is."""
        others = (self.modules, self.system_map, self.config)
        return (self.vmlinuz, *self.initrd, *(ref for ref in others if ref))


class Origin(Document):
    """Where a kernel came from, as it was given."""

    kind: Literal["files", "installed", "package", "source", "node"]
    detail: dict[str, Text] = {}


class KernelConfig(Document):
    """A kernel of an image: what it is and the artifacts that make it."""

    kind: Literal["linux", "xen"] = "linux"
    release: Release
    arch: Arch
    features: dict[str, Text] = {}
    origin: Origin
    artifacts: Artifacts


class NextBoot(Document):
    """A node's next-boot override; `entry` is NAME or IMAGE/NAME."""

    entry: Annotated[
        str,
        StringConstraints(
            pattern=r"^([A-Za-z0-9][A-Za-z0-9._+~-]{0,63}/)?"
            r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$"
        ),
    ]
    params: fields.Parameters = ()
    without: fields.Without = ()
    once: bool = False
    until: Text | None = None


class Node(Document):
    """A client machine."""

    name: NodeName
    macs: Annotated[tuple[Mac, ...], Field(max_length=bounds.ADDRESSES)] = ()
    ips: Annotated[tuple[Ip, ...], Field(max_length=bounds.ADDRESSES)] = ()
    image: Name | None = None
    index: int | None = Field(default=None, ge=0)
    vars: Annotated[
        dict[VariableName, VariableValue], Field(max_length=bounds.VARIABLES)
    ] = {}
    params: fields.Parameters = ()
    without: fields.Without = ()
    next: NextBoot | None = None


class Group(Document):
    """Nodes that share parameters; `nodes` is a folded node set."""

    nodes: str = ""
    params: fields.Parameters = ()
    without: fields.Without = ()
    priority: int = 0


class Verdict(Document):
    """What is known of a payload, since when (UTC, ISO 8601), by whom and why.

    `kin` is the payload's second key: the same kernel, modules, hypervisor and
    parameters with any initrd. `images` has the revision of each image that it was
    said of.
    """

    verdict: Literal["good", "bad"]
    by: Text
    since: Text
    revision: RevisionName
    reason: Text = ""
    kin: PayloadId
    images: dict[Name, RevisionName] = {}
    evidence: dict[str, Any] = {}


class Rollout(Document):
    """A default change under way; its fields come with the rollout engine."""

    entry: Name
