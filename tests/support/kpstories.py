"""The stories that kp is interrupted in, by name; see `support.crashes`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from kpstore.edits import entries, images
from kpstore.errors import KpError
from kpstore.history.git import refs
from kpstore.model.keys import Key
from kpstore.operations.outcome import Outcome, TargetOutcome
from kpstore.operations.staging import Staging
from kpstore.picker import KernelPicker
from support import bootcheck
from support.crash.script import Ack, Script
from support.crash.seeded import nothing, replaced
from support.crashes import Check, after, ignored, publish, story
from support.sites import (
    SITE_ID,
    SmallSite,
    call_good,
    done,
    first_import,
    lay_out,
    mac,
    make,
    moving_nodes,
    roll_back,
    second_kernel,
)
from support.treesite import ORIGINAL

# --- making a site


def _create(site: SmallSite) -> None:
    KernelPicker.create(site.root, site.caller(), site_id=SITE_ID, name="small")


def _init(where: Path, ack: Ack) -> None:
    try:
        _create(SmallSite(where))
    except KpError as error:
        ack(f"refused {error}"[:200])
        raise
    ack("made")


class _MadeAgain(Check):
    """`kp init` can be repeated until it has made the site."""

    def __call__(self, where: Path, acks: list[str]) -> list[str]:
        site, made = SmallSite(where), False
        with suppress(KpError):
            _create(site)
            made = True
        wrong = ["the site that was made is gone"] if "made" in acks and made else []
        site.save_paths()
        first_import(site.picker())
        return wrong + bootcheck.clean(site)


def _roots(where: Path) -> None:
    SmallSite(where).make_roots()


# --- a draft


def draft(picker: KernelPicker) -> Outcome:
    """Edit the draft twice, then commit it."""
    with picker.edit() as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sda2",)})
    with picker.edit() as edit:
        entries.change(edit.state, "web", "rescue", {}, add_params=("single",))
    return picker.commit("what was drafted")


def dropped_draft(picker: KernelPicker) -> None:
    """Edit a draft, and drop it."""
    with picker.edit() as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sda3",)})
    picker.discard()


# --- an image's own disk


def with_original(where: Path) -> SmallSite:
    """Make a site whose tree had a loader file before kp's."""
    site = SmallSite(where)
    picker = site.create()
    (site.tree / bootcheck.GRUB_CFG).write_bytes(ORIGINAL)
    with picker.edit("first day") as edit:
        lay_out(picker, edit.state)
        disk = edit.state.target("disk")
        options = disk.options.model_copy(update={"replace": True})
        disk = disk.model_copy(update={"options": options})
        edit.state.put(Key("target", "disk"), disk)
    return site


def disk_lists_nothing(picker: KernelPicker) -> Outcome:
    """The last entry of a disk goes: what was there before kp comes back."""
    with picker.edit("over the network") as edit:
        entries.change(edit.state, "web", "production", {"method": "network"})
    return done(edit.outcome)


def disk_lists_again(picker: KernelPicker) -> Outcome:
    """And an entry comes again."""
    with picker.edit("from disk") as edit:
        entries.change(edit.state, "web", "production", {"method": "local"})
    return done(edit.outcome)


# --- upkeep


def collect(picker: KernelPicker) -> None:
    """Run gc: artifacts and generations that nobody needs go."""
    picker.gc()


@contextmanager
def never_switched() -> Iterator[None]:
    """As if every writer were killed right after the commit point."""

    def switch(_: Staging) -> list[TargetOutcome]:
        return []

    with replaced(Staging, switch=switch):
        yield


def lagging(where: Path) -> SmallSite:
    """Make a site whose targets are behind main."""
    site = make(where, first_import, second_kernel)
    with never_switched():
        moving_nodes(site.picker())
    return site


class _Killed(BaseException):
    """What stands for kill -9 in a process that must live on."""


def _renamed(path: Path, data: bytes) -> None:
    """Move a ref, and die before its directory is synced."""
    temp = path.with_name(".kp-tmp-killed")
    with temp.open("wb", buffering=0) as file:
        file.write(data)
        os.fsync(file.fileno())
    temp.rename(path)
    raise _Killed


def finished_by_another(picker: KernelPicker) -> Outcome:
    """One writer is killed before main is durable; the next one finishes its work."""
    with (
        replaced(refs, write_file=_renamed),
        replaced(Staging, _discard=nothing),
        suppress(_Killed),
    ):
        moving_nodes(picker)
    with picker.writing():
        return Outcome("r4", picker.site.tip())


THEIRS = (b"DEFAULT theirs\n", b"echo theirs\n", b"torn", b"# theirs\n")


def tampered(where: Path) -> SmallSite:
    """Make a site, and change what it serves."""
    site = make(where, first_import, call_good, second_kernel)
    root, (menu, foreign, torn, tree) = site.tftp, THEIRS
    ours = [root / f"pxelinux.cfg/01-{_dashed(number)}" for number in (0, 1)]
    _overwrite(ours[0].resolve(), menu)
    ours[1].unlink()
    grub = root / f"grub/grub.cfg-01-{_dashed(2)}"
    grub.unlink()
    grub.write_bytes(foreign)
    for kernel in (root / "kp/objects").glob("*/vmlinuz"):  # main's, and older ones
        _overwrite(kernel, torn)
    (site.tree / bootcheck.GRUB_CFG).write_bytes(tree)
    return site


def _dashed(number: int) -> str:
    return mac(number).replace(":", "-")


def _overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


class _Repaired(Check):
    """What others wrote is mended whole, and kept."""

    def __call__(self, where: Path, acks: list[str]) -> list[str]:
        site = SmallSite(where)
        publish(site.picker())
        files = (path for path in (site.root / "found").rglob("*") if path.is_file())
        kept = {path.read_bytes() for path in files}
        lost = [f"not kept: {each!r}" for each in THEIRS if each not in kept]
        return lost + super().__call__(where, acks)


_ALL = (
    Script("kp init", _roots, _init, _MadeAgain(), (KpError,)),
    story("first import", after(), first_import),
    story("new kernel", after(first_import, call_good), second_kernel),
    story("nodes move", after(first_import, second_kernel), moving_nodes),
    story(
        "rollback",
        after(first_import, call_good, second_kernel, moving_nodes),
        roll_back,
    ),
    story("a disk's last entry", with_original, disk_lists_nothing, disk_lists_again),
    story("draft", after(first_import), draft, ignored(dropped_draft)),
    story(
        "gc",
        after(first_import, call_good, second_kernel, roll_back),
        ignored(collect),
        day=30,
    ),
    story("publish what lags", lagging, ignored(publish)),
    replace(story("repair", tampered, ignored(publish)), check=_Repaired()),
)
STORIES: dict[str, Script] = {each.name: each for each in _ALL}
FINISHED = story(
    "finished by another", after(first_import, second_kernel), finished_by_another
)
