"""Nodes that ask a real in.tftpd while kp commits and sweeps.

Every commit changes both images, moves a node between them and changes a node's own
file. Each file that a node is sent must be one revision's bytes, of a revision that
was live while it was asked for, and lead on to its kernel and initrd. kp's grace time
is so short that generations are swept meanwhile.
"""

import hashlib
import itertools
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from kpstore.edits import entries, images, nodes
from kpstore.model.documents import Site
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.picker import KernelPicker
from support.rig import tftp
from support.sites import (
    LOADERS,
    SmallSite,
    done,
    first_import,
    mac,
    name,
    second_kernel,
)

pytestmark = pytest.mark.system

COMMITS = 200
GRACE = 3  # seconds
MOVING, STAYING, OWN = 0, 1, 4
ENTRY_POINTS = {
    "pxelinux": "pxelinux.cfg/01-{}",
    "grub": "grub/grub.cfg-01-{}",
    "ipxe": "ipxe/01-{}.ipxe",
}
OBJECT = re.compile(r"/kp/objects/([0-9a-f]{64})/[\w.]+")
MENU = re.compile(r"/kp/live/[^'\s]+")


class Fetched(NamedTuple):
    """One answer, and when it was asked for and complete."""

    path: str
    data: bytes
    begun: float
    ended: float


@dataclass
class Published:
    """What was served by each commit, and when its publishing began and ended."""

    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    files: list[dict[str, bytes]] = field(default_factory=list)

    def are(self, fetched: Fetched) -> bool:
        """Tell whether an answer is a whole file of a commit that was live then."""
        return any(
            files.get(fetched.path) == fetched.data
            for files, begun, next_ended in zip(
                self.files, self.begun, [*self.ended[1:], float("inf")], strict=True
            )
            if begun <= fetched.ended and next_ended >= fetched.begun
        )


class Asking(threading.Thread):
    """Nodes that boot again and again: menu, perhaps another menu, kernel, initrd."""

    def __init__(self, server: tftp.Server, stop: threading.Event) -> None:
        super().__init__()
        self.server = server
        self.stop = stop
        self.menus: list[Fetched] = []
        self.boots = 0
        self.late = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        for number, loader in itertools.cycle(
            itertools.product((MOVING, STAYING, OWN), LOADERS)
        ):
            if self.stop.is_set():
                return
            begun = time.monotonic()
            try:
                self.boot(ENTRY_POINTS[loader].format(mac(number).replace(":", "-")))
                self.boots += 1
            except (tftp.TftpError, TimeoutError) as error:
                # Who takes longer than the grace time has no promise.
                if time.monotonic() - begun > GRACE:
                    self.late += 1
                else:
                    self.wrong.append(f"{name(number)}, {loader}: {error}")

    def boot(self, path: str) -> None:
        text = self.menu(path)
        going_on = MENU.search(text)
        if going_on:
            text = self.menu(going_on[0])
        objects = dict.fromkeys(OBJECT.finditer(text))
        if len(objects) != 2:
            self.wrong.append(f"{path} does not name a kernel and an initrd: {text}")
        for found in objects:
            data = self.fetch(found[0]).data
            if hashlib.sha256(data).hexdigest() != found[1]:
                self.wrong.append(f"{found[0]} has other bytes than its name says")

    def menu(self, path: str) -> str:
        fetched = self.fetch(path)
        self.menus.append(fetched)
        return fetched.data.decode()

    def fetch(self, path: str) -> Fetched:
        begun = time.monotonic()
        data = tftp.fetch(self.server, path)
        return Fetched(path, data, begun, time.monotonic())


class LiveSite(SmallSite):
    """A small site whose caller's time goes on."""

    def caller(self) -> Caller:
        return replace(super().caller(), clock=time.time)

    def served(self) -> dict[str, bytes]:
        """Read every menu and entry point, as a loader names them."""
        points = [
            each.format(mac(number).replace(":", "-"))
            for each in ENTRY_POINTS.values()
            for number in (MOVING, STAYING, OWN)
        ]
        live = self.tftp / "kp/live"
        menus = [
            f"/{each.relative_to(self.tftp)}"
            for loader in LOADERS
            for each in (*live.glob(f"*/{loader}"), *live.glob(f"*/*/{loader}"))
        ]
        return {
            path: (self.tftp / path.lstrip("/")).read_bytes()
            for path in (*points, *menus)
        }


@pytest.fixture
def site(tmp_path: Path) -> LiveSite:
    site = LiveSite(tmp_path)
    picker = site.create()
    first_import(picker)
    with picker.edit("a short grace time") as edit:
        known = edit.state.site()
        short = known.retention.model_copy(update={"grace": GRACE})
        edit.state.put(Key("site"), Site(**{**dict(known), "retention": short}))
    second_kernel(picker)
    return site


@pytest.fixture
def server(site: LiveSite) -> Iterator[tftp.Server]:
    with tftp.serve(site.tftp) as server:
        yield server


def commit(picker: KernelPicker, number: int) -> None:
    with picker.edit(f"number {number}") as edit:
        change(edit.state, number)
    assert not done(edit.outcome).behind


def change(state: State, number: int) -> None:
    params = (f"kp.number={number}",)
    images.change(state, "gpu", {"params": params})
    images.change(state, "web", {"params": params})
    entries.change(state, "gpu", "run", {"params": ("panic=9", "id={node.index}")})
    images.set_default(state, "web", ("production", "next")[number % 2])
    nodes.change(state, [name(MOVING)], {"image": ("web", "gpu")[number // 2 % 2]})
    nodes.change(state, [name(OWN)], {"index": 1000 + number})


def publish(site: LiveSite, asking: list[Asking]) -> Published:
    """Commit again and again while nodes ask."""
    picker, published = site.picker(), Published()
    published.begun.append(0.0)
    published.ended.append(0.0)
    published.files.append(site.served())
    for each in asking:
        each.start()
    number = 0
    while number < COMMITS or not enough(asking):
        published.begun.append(time.monotonic())
        commit(picker, number)
        published.ended.append(time.monotonic())
        published.files.append(site.served())
        number += 1
    return published


def enough(asking: list[Asking]) -> bool:
    """Tell whether as much was asked as was published; a busy machine takes longer."""
    seen = {fetched.data for each in asking for fetched in [*each.menus]}
    return min(sum(each.boots for each in asking), len(seen)) > COMMITS


def test_every_answer_is_one_revision_s_and_leads_to_its_kernel(
    site: LiveSite, server: tftp.Server
) -> None:
    stop = threading.Event()
    asking = [Asking(server, stop) for _ in range(3)]
    try:
        published = publish(site, asking)
    finally:
        stop.set()
        for each in asking:
            if each.is_alive():
                each.join()

    menus = [fetched for each in asking for fetched in each.menus]
    mixed = [fetched for fetched in menus if not published.are(fetched)]
    boots, late = sum(a.boots for a in asking), sum(a.late for a in asking)
    kept = len(list((site.tftp / "kp/generations").iterdir()))
    print(f"{boots} boots, {late} too slow; {len(menus)} menus, {len(mixed)} mixed")
    commits = len(published.files) - 1
    print(f"{commits} commits, {kept} generations kept")
    assert [problem for each in asking for problem in each.wrong] == []
    assert mixed == []
    assert kept < commits
