"""What the options of `kp entry` mean."""

from typing import Any, Final

from kpcmd.arguments.options import check_choice
from kpcmd.errors import WrongUsage
from kpstore.model.documents import XenConfig
from kpstore.model.params.tokens import split
from kpstore.model.state import State

METHODS: Final = ("local", "network", "mixed")


def fields_of(
    kernel: str | None, method: str | None, ssi: bool | None
) -> dict[str, Any]:
    """Return the fields that were given; WrongUsage for no method."""
    check_choice("--method", method, METHODS)
    given = {
        "kernel": kernel,
        "method": method,
        "ssi": ssi,
    }
    return {name: value for name, value in given.items() if value is not None}


def hypervisor_of(
    state: State,
    image: str,
    before: str | None,
    xen: str | None,
    params: str | None,
) -> dict[str, Any]:
    """Return the entry's `xen` field, where --xen or --xen-params touch it.

    `before` is the entry whose hypervisor counts where only parameters are given;
    `--xen none` takes the hypervisor out.
    """
    if xen is None and params is None:
        return {}
    if xen == "none":
        if params is not None:
            raise WrongUsage(
                "--xen-params goes with a hypervisor, not --xen none",
                hint="leave one of the two out",
            )
        return {"xen": None}
    known = state.entry(image, before).xen if before else None
    kernel = xen or (known.kernel if known else None)
    if kernel is None:
        raise WrongUsage(
            "--xen-params needs a hypervisor", hint="--xen K names a kernel of kind xen"
        )
    state.kernel(image, kernel)
    tokens = split(params) if params is not None else known.params if known else ()
    return {"xen": XenConfig(kernel=kernel, params=tokens)}


def need_kernel(state: State, image: str, kernel: str | None, like: str | None) -> None:
    """WrongUsage when a new entry's kernel is not known."""
    if kernel is None and like is None:
        known = ", ".join(state.names("kernel", image))
        raise WrongUsage(
            "a new entry needs a kernel",
            hint=f"--kernel {known}" if known else f"kp kernel add {image} … first",
        )
