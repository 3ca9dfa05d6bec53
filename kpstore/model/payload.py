"""The identity of a payload: what makes a boot what it is, and nothing else."""

import hashlib
import json
from typing import Any, NamedTuple

from kpstore.model.documents import KernelConfig


class Payload(NamedTuple):
    """`id` names the whole; `kin` is the same with any initrd."""

    id: str
    kin: str


def payload_of(
    kernel: KernelConfig,
    xen: tuple[KernelConfig, tuple[str, ...]] | None,
    params: tuple[str, ...],
) -> Payload:
    """Identify a kernel with its hypervisor and the tokens of image and entry.

    The id is the first 32 hex digits of SHA-256 over canonical JSON; docs/format.md
    lists the fields.
    """
    modules = kernel.artifacts.modules
    kin: dict[str, Any] = {
        "kernel": kernel.artifacts.vmlinuz.sha256,
        "modules": modules.sha256 if modules else None,
        "params": list(params),
        "xen": None
        if xen is None
        else {"params": list(xen[1]), "sha256": xen[0].artifacts.vmlinuz.sha256},
    }
    whole = kin | {
        "arch": kernel.arch,
        "initrd": [ref.sha256 for ref in kernel.artifacts.initrd],
        "v": 1,
    }
    return Payload(_digest(whole), _digest(kin))


def _digest(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
