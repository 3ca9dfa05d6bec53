"""Edits of images."""

from typing import Any

from kpstore.errors import InvalidInput, Refused
from kpstore.model.documents import Document, Image
from kpstore.model.keys import Key
from kpstore.model.names import check_name
from kpstore.model.state import State
from kpstore.model.validation import make, replace


def add(state: State, name: str, fields: dict[str, Any]) -> Image:
    """Add an image; Refused when there is one of that name."""
    check_name(name, "image")
    if state.get(Key("image", name)) is not None:
        raise Refused(f"image {name} exists", hint=f"kp image set {name} …")
    image = make(Image, fields, f"image {name}")
    state.put(Key("image", name), image)
    return image


def change(state: State, name: str, fields: dict[str, Any]) -> None:
    """Set fields of an image."""
    state.put(Key("image", name), replace(state.image(name), fields, f"image {name}"))


def set_default(state: State, name: str, entry: str) -> None:
    """Make an entry the one that the image's nodes boot."""
    state.entry(name, entry)
    change(state, name, {"default": entry})


def remove(state: State, name: str) -> None:
    """Remove an image with its entries and kernels."""
    state.image(name)
    for kind in ("entry", "kernel"):
        for part in state.names(kind, name):
            state.drop(Key(kind, part, name))
    state.drop(Key("image", name))


def put_new(state: State, key: Key, document: Document) -> None:
    """Add a document; Refused when its name is taken, by case folding too."""
    check_name(key.name, key.kind)
    for other in state.names(key.kind, key.within):
        if other.casefold() == key.name.casefold():
            raise Refused(f"{key.kind} {other} exists in {key.within or 'this site'}")
    state.put(key, document)


def check_unused(state: State, image: str, kernel: str) -> None:
    """Refused when an entry of the image boots the kernel."""
    for name in state.names("entry", image):
        entry = state.entry(image, name)
        if kernel in (entry.kernel, entry.xen.kernel if entry.xen else None):
            raise Refused(
                f"kernel {kernel} of {image} is booted by entry {name}",
                hint=f"kp entry rm {image} {name}",
            )


def remove_kernel(state: State, image: str, kernel: str) -> None:
    """Remove a kernel that no entry boots."""
    state.kernel(image, kernel)
    check_unused(state, image, kernel)
    state.drop(Key("kernel", kernel, image))


def require_arch(arch: str | None) -> str:
    """Return the architecture; InvalidInput when none was given or read."""
    if arch is None:
        raise InvalidInput(
            "the image's architecture is not known", hint="give --arch, or --tree DIR"
        )
    return arch
