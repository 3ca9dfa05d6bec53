"""The stories that kp is interrupted in, by name; see `support.crashes`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from kpstore.edits import entries, images
from kpstore.errors import KpError
from kpstore.outcome import Outcome, TargetOutcome
from kpstore.picker import KernelPicker
from kpstore.staging import Staging
from support import bootcheck
from support.crash.script import Ack, Script
from support.crash.seeded import replaced
from support.crashes import after, checked, ignored, story
from support.sites import (
    SITE_ID,
    SmallSite,
    call_good,
    first_import,
    mac,
    make,
    moving_nodes,
    roll_back,
    second_kernel,
)

# --- making a site


def _init(where: Path, ack: Ack) -> None:
    site = SmallSite(where)
    try:
        KernelPicker.create(site.root, site.caller(), site_id=SITE_ID, name="small")
    except KpError:
        ack("refused")
        raise
    ack("made")


def _made_again(where: Path, acks: list[str]) -> list[str]:
    """`kp init` can be repeated; a site is there or is not."""
    site = SmallSite(where)
    made = False
    with suppress(KpError):
        KernelPicker.create(site.root, site.caller(), site_id=SITE_ID, name="small")
        made = True
    wrong = []
    if "made" in acks and made:
        wrong.append("the site that was made is gone")
    site.save_paths()
    first_import(site.picker())
    return wrong + bootcheck.clean(site)


INIT = Script(
    "kp init",
    lambda where: SmallSite(where).make_roots(),
    _init,
    _made_again,
    (KpError,),
)


# --- a draft


def draft(picker: KernelPicker) -> Outcome:
    """Edit the draft twice, then commit it."""
    with picker.edit() as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sda2",)})
    with picker.edit() as edit:
        entries.change(edit.state, "web", "rescue", {}, add_params=("single",))
    return picker.commit("what was drafted")


def dropped_draft(picker: KernelPicker) -> Outcome:
    """Edit a draft, and drop it."""
    with picker.edit() as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sda3",)})
    picker.discard()
    return Outcome("", "")


# --- upkeep


def collect(picker: KernelPicker) -> None:
    """Run gc: artifacts and generations that nobody needs go."""
    with picker.writing():
        picker.upkeep.gc()


def publish(picker: KernelPicker) -> None:
    """Bring targets to main, and repair what others changed."""
    with picker.writing():
        picker.upkeep.publish()


@contextmanager
def never_switched() -> Iterator[None]:
    """As if the writer were killed right after the commit point."""

    def switch(staging: Staging) -> list[TargetOutcome]:
        return []

    with replaced(Staging, switch=switch):
        yield


def lagging(where: Path) -> SmallSite:
    """Make a site whose targets are behind main."""
    site = make(where, first_import, second_kernel)
    with never_switched():
        moving_nodes(site.picker())
    return site


def tampered(where: Path) -> SmallSite:
    """Make a site, and change what it serves."""
    site = make(where, first_import, call_good, second_kernel)
    root = site.tftp
    menu = (root / "pxelinux.cfg" / f"01-{mac(0).replace(':', '-')}").resolve()
    menu.chmod(0o644)
    menu.write_bytes(b"DEFAULT theirs\n")
    (root / "pxelinux.cfg" / f"01-{mac(1).replace(':', '-')}").unlink()
    grub = root / "grub" / f"grub.cfg-01-{mac(2).replace(':', '-')}"
    grub.unlink()
    grub.write_bytes(b"echo theirs\n")
    kernel = next((root / "kp/objects").glob("*/vmlinuz"))
    kernel.chmod(0o644)
    kernel.write_bytes(b"torn")
    (site.tree / bootcheck.GRUB_CFG).write_bytes(b"# theirs\n")
    return site


def _repaired(where: Path, acks: list[str]) -> list[str]:
    """What others changed stays until it is mended, and is mended whole."""
    site = SmallSite(where)
    picker = site.picker()
    publish(picker)
    kept = [
        path.read_bytes() for path in (site.root / "found").rglob("*") if path.is_file()
    ]
    lost = {b"DEFAULT theirs\n", b"echo theirs\n", b"torn", b"# theirs\n"} - {*kept}
    return [f"not set aside: {each!r}" for each in lost] + checked(site, acks)


REPAIR = replace(story("repair", tampered, ignored(publish)), check=_repaired)

STORIES: dict[str, Script] = {
    each.name: each
    for each in (
        INIT,
        story("first import", after(), first_import),
        story("new kernel", after(first_import, call_good), second_kernel),
        story("nodes move", after(first_import, second_kernel), moving_nodes),
        story(
            "rollback",
            after(first_import, call_good, second_kernel, moving_nodes),
            roll_back,
        ),
        story("draft", after(first_import), draft, ignored(dropped_draft)),
        story(
            "gc",
            after(first_import, call_good, second_kernel, roll_back),
            ignored(collect),
            day=30,
        ),
        story("publish what lags", lagging, ignored(publish)),
        REPAIR,
    )
}
