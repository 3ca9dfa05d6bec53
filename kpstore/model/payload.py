"""The identity of a payload: what makes a boot what it is, and nothing else.

Free of models, so that `kp status` can tell payloads from plain JSON.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from kpstore.model.documents import KernelConfig


class Payload(NamedTuple):
    """`id` names the whole; `kin` is the same with any initrd."""

    id: str
    kin: str


class Content(NamedTuple):
    """What a payload is made of: artifacts by SHA-256, tokens in order.

    `xen` is the hypervisor with its parameters; `params` are image's and entry's.
    """

    arch: str
    kernel: str
    initrd: tuple[str, ...]
    modules: str | None
    xen: tuple[str, tuple[str, ...]] | None
    params: tuple[str, ...]


def payload_of(
    kernel: "KernelConfig",
    xen: tuple["KernelConfig", tuple[str, ...]] | None,
    params: tuple[str, ...],
) -> Payload:
    """Identify a kernel with its hypervisor and the tokens of image and entry."""
    artifacts = kernel.artifacts
    return identify(
        Content(
            arch=kernel.arch,
            kernel=artifacts.vmlinuz.sha256,
            initrd=tuple(ref.sha256 for ref in artifacts.initrd),
            modules=artifacts.modules.sha256 if artifacts.modules else None,
            xen=(xen[0].artifacts.vmlinuz.sha256, xen[1]) if xen else None,
            params=params,
        )
    )


def identify(content: Content) -> Payload:
    """Return the identity of a content.

    The id is the first 32 hex digits of SHA-256 over canonical JSON; docs/format.md
    lists the fields.
    """
    xen = content.xen
    kin: dict[str, Any] = {
        "kernel": content.kernel,
        "modules": content.modules,
        "params": list(content.params),
        "xen": {"params": list(xen[1]), "sha256": xen[0]} if xen else None,
    }
    whole = kin | {"arch": content.arch, "initrd": list(content.initrd), "v": 1}
    return Payload(_digest(whole), _digest(kin))


def _digest(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
