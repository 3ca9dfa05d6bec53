"""What kp publishes, booted: real firmware, real loaders, a real kernel.

A guest's /proc/cmdline has to be what `kp entry show` says of its node, byte for
byte, besides what the loader puts around it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kpstore.restoring import Rollback
from support import bootsites
from support.bootsites import DISK, MACS, OWN, PLAIN, Initrd
from support.rig import cmdline, disk, guest, netboot, parts, qemu, tftp
from support.sites import SmallSite, call_good

pytestmark = pytest.mark.system

PLAIN_BY = (
    *(netboot.PXELINUX, netboot.GRUB_BIOS, netboot.IPXE_BIOS),
    netboot.GRUB_READY_MADE,
)
TO_DISK_BY = (netboot.PXELINUX, netboot.GRUB_UEFI, netboot.IPXE_BIOS)


@dataclass(frozen=True)
class Served:
    """A site whose TFTP root an in.tftpd serves, with every loader in it."""

    site: SmallSite
    server: tftp.Server

    def machine(
        self, loader: netboot.Loader, node: str, scratch: Path, **more: Path | bool
    ) -> qemu.Machine:
        """Return the node's hardware."""
        mac = MACS[node]
        return netboot.machine(loader, self.server, scratch, mac=mac, **more)  # type: ignore[arg-type]


def _served(site: SmallSite) -> Iterator[Served]:
    for loader in netboot.LOADERS:
        loader.install(site.tftp)
    with tftp.serve(site.tftp) as server:
        yield Served(site, server)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from _served(bootsites.loaded(tmp_path_factory.mktemp("loaded")))


@pytest.fixture(scope="module")
def web_disk(loaded: Served) -> Path:
    """A disk with a copy of the image tree that kp published to."""
    return disk.build(loaded.site.tree, loaded.site.where / "disk.img")


def assert_booted(outcome: qemu.Outcome, expected: str, initrd: str) -> None:
    """Hold a guest against the command line and the initrd that were meant."""
    assert outcome.ended == "text", outcome
    said = guest.report(outcome.console)
    tokens = cmdline.tokens(expected)
    assert cmdline.meant(said.cmdline, tokens) == tokens
    assert expected in said.cmdline  # blanks, quotes and order included
    assert (said.kernel, said.initrd) == (parts.kernel_release(), initrd)


@pytest.mark.parametrize("loader", netboot.LOADERS, ids=lambda loader: loader.name)
def test_a_node_with_variables_boots_what_kp_shows(
    loaded: Served, loader: netboot.Loader, tmp_path: Path
) -> None:
    expected = bootsites.command_line(loaded.site, "production", OWN)
    assert 'kp.mid=a r=1,2  52:54:00:12:34:17"' in expected
    assert "kp.who=node kp.flag=2" not in expected  # merged in place

    machine = loaded.machine(loader, OWN, tmp_path)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted(outcome, expected, "over-the-network")


@pytest.mark.parametrize("loader", PLAIN_BY, ids=lambda loader: loader.name)
def test_a_node_without_variables_boots_what_kp_shows(
    loaded: Served, loader: netboot.Loader, tmp_path: Path
) -> None:
    picker = loaded.site.picker()
    why = picker.ask.why(picker.view(), PLAIN)
    assert why.entry is not None and "kp.next=1" in why.entry.cmdline

    machine = loaded.machine(loader, PLAIN, tmp_path)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted(outcome, why.entry.cmdline, "over-the-network")
