"""What entries look like, and what the options of `kp entry` mean."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from kpcmd.arguments.options import check_choice
from kpcmd.context import Session
from kpcmd.errors import WrongUsage
from kpstore.edits import entries
from kpstore.model.boot import boot_of
from kpstore.model.documents import BootConfig, XenConfig
from kpstore.model.params import compose, split
from kpstore.model.state import State
from kpstore.queries.entry import EntryShown, verdict_of

METHODS: Final = ("local", "network", "mixed")


def fields_of(
    kernel: str | None, method: str | None, params: str | None, ssi: bool | None
) -> dict[str, Any]:
    """Return the fields that were given; WrongUsage for no method."""
    check_choice("--method", method, METHODS)
    given = {
        "kernel": kernel,
        "method": method,
        "params": None if params is None else split(params),
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


def set_tokens(
    state: State, image: str, name: str, added: list[str], removed: list[str]
) -> None:
    """Add and remove single parameters of an entry."""
    if added or removed:
        entries.change(
            state,
            image,
            name,
            {},
            add_params=tuple(added),
            remove_params=tuple(removed),
        )


def need_kernel(state: State, image: str, kernel: str | None, like: str | None) -> None:
    """WrongUsage when a new entry's kernel is not known."""
    if kernel is None and like is None:
        known = ", ".join(state.names("kernel", image))
        raise WrongUsage(
            "a new entry needs a kernel",
            hint=f"--kernel {known}" if known else f"kp kernel add {image} … first",
        )


def usual(session: Session, state: State, image: str) -> dict[str, Any]:
    """Return what a new entry has that is like no other: as the image's default."""
    name = state.image(image).default
    if name is None:
        return {}
    entry = state.entry(image, name)
    session.say_once(f"as {name}, where not given: {entry.method}, {_params(entry)}")
    return {"method": entry.method, "params": entry.params}


def _params(entry: BootConfig) -> str:
    return compose(entry.params) or "no parameters"


def line(state: State, image: str, name: str) -> dict[str, Any]:
    """Return an entry's line in the list."""
    entry, boot = state.entry(image, name), boot_of(state, image, name)
    return {
        "entry": name,
        "default": state.image(image).default == name,
        "method": entry.method,
        "kernel": entry.kernel,
        "xen": entry.xen.kernel if entry.xen else None,
        "ssi": entry.ssi,
        "params": compose(entry.params),
        "payload": boot.payload.id,
        "verdict": verdict_of(state, boot),
    }


def shown_json(shown: EntryShown) -> dict[str, Any]:
    """Return the document of `kp entry show`."""
    document = asdict(shown)
    document["params"] = [
        {"token": merged.token, "origin": merged.origin} for merged in shown.params
    ]
    return document


def shown_lines(session: Session, shown: EntryShown) -> Iterator[str]:
    """Say what an entry boots."""
    verdict = session.out.paint(shown.verdict)
    yield f"{shown.image}/{shown.entry}  {shown.method}  {verdict}"
    yield f"payload  {shown.payload}"
    if shown.xen:
        yield f"xen      {shown.xen['path']} {shown.xen['cmdline']}".rstrip()
    yield f"kernel   {shown.kernel['path']}  ({shown.kernel['release']})"
    for file in shown.initrd:
        yield f"initrd   {file['path']}"
    yield f"cmdline  {shown.cmdline}"
    if session.verbose:
        yield from (f"  {each.token}  from {each.origin}" for each in shown.params)
