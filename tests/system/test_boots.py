"""What kp publishes, booted: real firmware, real loaders, a real kernel.

A guest's /proc/cmdline has to be what `kp entry show` says of its node, byte for
byte, besides what the loader puts around it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kpstore.operations.rollback import Rollback
from support import bootsites
from support.bootsites import DISK, MACS, OWN, PLAIN, Initrd
from support.rig import cmdline, disk, guest, netboot, parts, qemu, tftp
from support.sites import SmallSite, call_good

pytestmark = pytest.mark.system

PLAIN_BY = (netboot.PXELINUX, netboot.GRUB_READY_MADE, netboot.IPXE_BIOS)
TO_DISK_BY = (netboot.PXELINUX, netboot.GRUB_UEFI)


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
    expected = bootsites.command_line(loaded.site, "gpu/production", OWN)
    assert 'kp.mid=a r=1,2  52:54:00:12:34:17"' in expected
    assert "kp.who=node kp.flag=2" not in expected  # merged in place

    machine = loaded.machine(loader, OWN, tmp_path)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted(outcome, expected, "over-the-network")


@pytest.mark.parametrize("loader", PLAIN_BY, ids=lambda loader: loader.name)
def test_a_node_without_variables_boots_what_kp_shows(
    loaded: Served, loader: netboot.Loader, tmp_path: Path
) -> None:
    expected = bootsites.command_line(loaded.site, "web/both", PLAIN)
    assert expected.endswith("console=tty0 console=ttyS0,115200 kp.next=1")

    machine = loaded.machine(loader, PLAIN, tmp_path)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted(outcome, expected, "over-the-network")


@pytest.mark.parametrize("loader", TO_DISK_BY, ids=lambda loader: loader.name)
def test_a_local_node_goes_on_from_the_network_to_its_disk(
    loaded: Served, loader: netboot.Loader, web_disk: Path, tmp_path: Path
) -> None:
    expected = bootsites.command_line(loaded.site, "web/installed", DISK)

    machine = loaded.machine(loader, DISK, tmp_path, disk=web_disk, from_rom=True)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted(outcome, expected, "from-the-disk")


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_a_disk_boots_its_image_s_default_when_no_server_answers(
    loaded: Served, firmware: qemu.Firmware, web_disk: Path, tmp_path: Path
) -> None:
    expected = bootsites.command_line(loaded.site, "web/installed", DISK)

    machine = qemu.Machine(firmware, disk=web_disk, network=False)
    outcome = qemu.run(machine, tmp_path, guest.END)

    assert_booted(outcome, expected, "from-the-disk")


@dataclass(frozen=True)
class Story:
    """One node that is switched on again and again while its image changes."""

    served: Served
    machine: qemu.Machine
    scratch: Path

    def expected(self) -> str:
        return bootsites.command_line(self.served.site, "web/production", OWN)

    def boots(self, initrd: str) -> None:
        """Switch the node on: it reports, and switches itself off."""
        outcome = qemu.run(self.machine, self.scratch, guest.END)
        assert_booted(outcome, self.expected(), initrd)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    for served in _served(bootsites.small(tmp_path)):
        machine = served.machine(netboot.GRUB_UEFI, OWN, tmp_path, resets=True)
        yield Story(served, machine, tmp_path / "run")


def test_a_node_comes_back_by_itself_after_one_rollback(story: Story) -> None:
    site = story.served.site
    story.boots("good-1")
    call_good(site.picker())
    first = story.expected()
    assert bootsites.bring_in(site, Initrd.bad("bad-1")).nodes_changed == 1

    with qemu.power_on(story.machine, story.scratch) as session:
        panicked = session.wait_for(guest.PANIC)
        assert panicked.ended == "text" and "KP-BAD bad-1" in panicked.console, panicked
        outcome = site.picker().rollback(Rollback(("web",)))
        assert (outcome.revision, outcome.nodes_changed) == ("r5", 1)
        recovered = session.wait_for(guest.END)

    assert_booted(recovered, first, "good-1")
    assert story.expected() == first
    assert [each.findings for each in site.picker().verify(deep=True)] == [[]]
