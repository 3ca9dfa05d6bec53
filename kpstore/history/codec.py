"""Documents as bytes, and bytes as documents: canonical JSON.

UTF-8, sorted keys, two-space indent (node lines: none), one final newline, every
default written out: equal values have equal bytes.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from kpstore.artifacts import pointer
from kpstore.errors import CorruptState, InvalidInput, KpError
from kpstore.history import paths
from kpstore.model import bounds
from kpstore.model.documents import ArtifactRef, Document, KernelConfig, Node
from kpstore.model.keys import MODELS, Key

GITATTRIBUTES: Final = b"""\
images/*/kernels/*/* filter=lfs diff=lfs merge=lfs -text
images/*/kernels/*/kernel.json !filter !diff !merge !text
"""

_D = TypeVar("_D", bound=Document)


def path_of(key: Key) -> str:
    """Return the path of a document; of a node: of the file that has its line."""
    return paths.path_of(key)


def key_of(path: str) -> Key | None:
    """Return the one document that a path holds; see `paths.place_of`."""
    place = paths.place_of(path)
    return Key(*place) if place else None  # type: ignore[arg-type]  # kinds are ours


def encode(document: Document) -> bytes:
    """Return the canonical bytes of a document's file."""
    fields = document.model_dump(mode="json", by_alias=True)
    return (
        json.dumps(fields, ensure_ascii=False, indent=2, sort_keys=True).encode()
        + b"\n"
    )


def decode(key: Key, data: bytes, fault: type[KpError] = CorruptState) -> Document:
    """Read a document's file; raises `fault` naming path, field and key."""
    _refuse_large(path_of(key), data, fault)
    return _validated(MODELS[key.kind], data, path_of(key), fault)


def files_of(key: Key, document: Document) -> dict[str, bytes]:
    """Return the files of a document other than a node: of a kernel, its pointers."""
    found = {path_of(key): encode(document)}
    if isinstance(document, KernelConfig):
        found |= pointers_of(key, document)
    return found


def pointers_of(key: Key, kernel: KernelConfig) -> dict[str, bytes]:
    """Return the git-lfs pointers that stand beside a kernel.json."""
    folder = path_of(key).removesuffix("/kernel.json")
    return {
        f"{folder}/{name}": pointer.encode(ref.sha256, ref.size)
        for name, ref in artifacts_of(kernel).items()
    }


def artifacts_of(kernel: KernelConfig) -> dict[str, ArtifactRef]:
    """Return a kernel's artifacts by file name: `vmlinuz`, `initrd`, `initrd-1`."""
    artifacts = kernel.artifacts
    single = {
        "vmlinuz": artifacts.vmlinuz,
        "modules": artifacts.modules,
        "System.map": artifacts.system_map,
        "config": artifacts.config,
    }
    found = {name: ref for name, ref in single.items() if ref is not None}
    for number, ref in enumerate(artifacts.initrd):
        found[f"initrd-{number}" if number else "initrd"] = ref
    return found


# --- nodes


_LINE: Final = json.JSONEncoder(
    ensure_ascii=False,
    sort_keys=True,
    separators=(",", ":"),
    default=lambda document: document.model_dump(mode="json", by_alias=True),
)


def encode_node(node: Node) -> bytes:
    """Return a node's canonical line, without the newline."""
    fields = dict(node.__dict__)
    if not node.without:
        del fields["without"]  # as `exclude_if` has it
    return _LINE.encode(fields).encode()  # a third of model_dump's time


def join_lines(lines: Mapping[str, bytes]) -> bytes:
    """Return the bytes of a node file from its lines by name."""
    return b"".join(lines[name] + b"\n" for name in sorted(lines))


def decode_node(path: str, line: bytes, fault: type[KpError] = CorruptState) -> Node:
    """Read one line of a node file."""
    return _validated(Node, line, path, fault)


def decode_shard(
    path: str, data: bytes, fault: type[KpError] = CorruptState
) -> list[Node]:
    """Read a node file."""
    _refuse_large(path, data, fault)
    lines = data.splitlines()
    try:
        return _shard_reader().validate_json(b"[" + b",".join(lines) + b"]")
    except ValidationError:
        return [decode_node(path, line, fault) for line in lines]  # names the fault


@lru_cache(maxsize=1)
def _shard_reader() -> TypeAdapter[list[Node]]:
    return TypeAdapter(list[Node])


# --- faults


def _refuse_large(path: str, data: bytes, fault: type[KpError]) -> None:
    if len(data) > bounds.DOCUMENT:
        raise fault(
            f"{path} has {len(data):,} bytes, more than {bounds.DOCUMENT:,}",
            hint="docs/format.md says how large a document may be",
        )


def _validated(model: type[_D], data: bytes, path: str, fault: type[KpError]) -> _D:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise _fault(path, error, fault) from None


def _fault(path: str, error: ValidationError, fault: type[KpError]) -> KpError:
    first: Mapping[str, Any] = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return fault(f"{path}: unknown key {field!r}", hint="kp schema lists the keys")
    if field == "format":
        return fault(
            f"{path}: format {first['input']!r} is not known",
            hint="this kp reads format 1: a newer kp wrote this",
        )
    where = f"{path}: {field}" if field else path
    return fault(f"{where}: {first['msg']}", hint="kp schema says what is allowed")


def check_pointers(key: Key, kernel: KernelConfig, files: Mapping[str, bytes]) -> None:
    """InvalidInput unless the files beside a kernel.json are exactly its pointers."""
    expected = pointers_of(key, kernel)
    for path in sorted(expected.keys() | files.keys()):
        if path not in files:
            raise InvalidInput(f"{path} is missing", hint="kernel.json names it")
        if files[path] != expected.get(path):
            raise InvalidInput(
                f"{path} is not the artifact that kernel.json names",
                hint="add the kernel by kp kernel add, which writes both",
            )
