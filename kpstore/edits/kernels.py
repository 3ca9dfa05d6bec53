"""Edits of an image's kernels."""

from kpstore.errors import InvalidInput, Refused
from kpstore.model.documents import KernelConfig
from kpstore.model.keys import Key
from kpstore.model.state import State


def add(
    state: State,
    image: str,
    name: str,
    kernel: KernelConfig,
    *,
    replace: bool = False,
) -> None:
    """Add a kernel to an image; with `replace`, in place of one of that name.

    Entries that boot the old one boot the new bytes then. InvalidInput when it is of
    another architecture or kind than what is there, Refused when its name is taken.
    """
    arch = state.image(image).arch
    if kernel.arch != arch:
        raise InvalidInput(
            f"kernel {name} is for {kernel.arch}, {image} is {arch}",
            hint="take one that is built for it",
        )
    key = Key("kernel", name, image)
    known = state.get(key)
    if not isinstance(known, KernelConfig):
        state.add(key, kernel)
    elif known.kind != kernel.kind:
        raise InvalidInput(
            f"kernel {image}/{name} is of kind {known.kind}",
            hint="choose another name: kp kernel add IMAGE --name K",
        )
    elif replace or known.artifacts == kernel.artifacts:
        state.put(key, kernel)
    else:
        raise Refused(
            f"image {image} has another kernel {name}",
            hint="--replace puts this one in its place, --name gives it another name",
        )


def remove(state: State, image: str, kernel: str) -> None:
    """Remove a kernel that no entry boots."""
    state.kernel(image, kernel)
    for name in state.names("entry", image):
        entry = state.entry(image, name)
        if kernel in (entry.kernel, entry.xen.kernel if entry.xen else None):
            raise Refused(
                f"kernel {kernel} of {image} is booted by entry {name}",
                hint=f"kp entry rm {image} {name}",
            )
    state.drop(Key("kernel", kernel, image))
