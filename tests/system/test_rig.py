"""The rig against itself: real firmware, loaders and kernel, a hand-made target.

What fails here is the rig or the layout, not kp's code.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.rig import (
    boot_partition,
    cmdline,
    disk,
    guest,
    handmade,
    menus,
    netboot,
    parts,
    qemu,
    tftp,
)

pytestmark = pytest.mark.system

HYPHENATED = qemu.Machine.mac.replace(":", "-")
TEMPLATE = "web~0123456789ab"
PARAMETERS = [
    *("panic=5", "-x", "--", "---", "kp.empty=", "kp.flag"),
    *("kp.size=1G$4G", "kp.dollar=$kp_index", "kp.run=$(id)`id`"),
    *("kp.shell=a;b&c!d#e*f<g>h|i", "kp.more={a,b}[0-9]?~+%^@:()", "#x", "&&x", "||x"),
    *("*", ";x", "@", "{", "}", "(", ")", "<", ">", "|", "&", "~", "%", "^", "?"),
    *('"dyndbg=module foo +p"', '"kp.ends=a # b ; c && d || e #f ;g"'),
]
LOCAL_ONLY = "kp.local=1"


@dataclass(frozen=True)
class Site:
    """A served tree with the good guest's kernel and initrd in it."""

    tree: handmade.Tree
    server: tftp.Server
    kernel: str
    initrd: str


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    tree = handmade.Tree(tmp_path / "tftp").create()
    kernel = tree.add_object("vmlinuz", parts.kernel().read_bytes())
    good = guest.good_initrd("good-1", parts.kernel_release())
    initrd = tree.add_object("initrd.img", good)
    # Any node that is told to do something else must never come as far as here.
    policy = menus.ipxe(kernel, initrd, ["kp.unknown-node"]).removeprefix("#!ipxe\n")
    tree.write("ipxe/boot.ipxe", menus.IPXE_DISPATCH + policy)
    with tftp.serve(tree.root) as server:
        yield Site(tree, server, kernel, initrd)


def _publish(site: Site, loader: netboot.Loader, menu: dict[str, str]) -> None:
    """Node variables where the loader can hold them, else the template itself."""
    loader.install(site.tree.root)
    site.tree.add_template(TEMPLATE, menu)
    if loader is netboot.PXELINUX:
        site.tree.link(f"pxelinux.cfg/01-{HYPHENATED}", f"{TEMPLATE}/pxelinux")
        return
    own = {
        f"{HYPHENATED}.grub": "set kp_index='17'\nexport kp_index\n"
        f"configfile /kp/live/+/{TEMPLATE}/grub\n",
        f"{HYPHENATED}.ipxe": "#!ipxe\nset kp_index 17\n"
        f"chain --replace /kp/live/+/{TEMPLATE}/ipxe\n",
    }
    site.tree.add_shard("ab", own)
    site.tree.link(f"grub/grub.cfg-01-{HYPHENATED}", f"~ab/{HYPHENATED}.grub")
    site.tree.link(f"ipxe/01-{HYPHENATED}.ipxe", f"~ab/{HYPHENATED}.ipxe")
    if loader is netboot.GRUB_READY_MADE:
        site.tree.write("grub/grub.cfg", menus.GRUB_DISPATCH)


def _menus(site: Site, parameters: list[str]) -> dict[str, str]:
    what = (site.kernel, site.initrd, parameters)
    return {
        "pxelinux": menus.pxelinux(*what),
        "grub": menus.grub(*what, ("index",)),
        "ipxe": menus.ipxe(*what, ("index",)),
    }


def _boot(site: Site, loader: netboot.Loader, tmp_path: Path) -> qemu.Outcome:
    node = netboot.machine(loader, site.server, tmp_path)
    return qemu.run(node, tmp_path / "run", guest.END)


@pytest.mark.parametrize("loader", netboot.LOADERS, ids=lambda loader: loader.name)
def test_every_parameter_reaches_the_kernel(
    site: Site, loader: netboot.Loader, tmp_path: Path
) -> None:
    _publish(site, loader, _menus(site, PARAMETERS))

    outcome = _boot(site, loader, tmp_path)

    assert outcome.ended == "text", outcome
    said = guest.report(outcome.console)
    own = [] if loader is netboot.PXELINUX else ["index=17"]
    expected = [*PARAMETERS, *own]
    assert cmdline.meant(said.cmdline, expected) == expected
    assert said.kernel == parts.kernel_release()
    assert said.initrd == "good-1"


@pytest.fixture(scope="session")
def local_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disk")
    boot = folder / "tree" / "boot"
    (boot / "grub").mkdir(parents=True)
    good = guest.good_initrd("from-disk", parts.kernel_release())
    (boot / "vmlinuz").write_bytes(parts.kernel().read_bytes())
    (boot / "initrd.img").write_bytes(good)
    menu = menus.grub("/boot/vmlinuz", "/boot/initrd.img", [*PARAMETERS, LOCAL_ONLY])
    (boot / "grub" / "grub.cfg").write_text(menu)
    return disk.build(folder / "tree", folder / "disk.img")


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_a_disk_boots_by_the_tree_s_own_grub_cfg(
    local_disk: Path, firmware: qemu.Firmware, tmp_path: Path
) -> None:
    machine = qemu.Machine(firmware, disk=local_disk, network=False)

    outcome = qemu.run(machine, tmp_path, guest.END)

    said = guest.report(outcome.console)
    expected = [*PARAMETERS, LOCAL_ONLY]
    assert cmdline.meant(said.cmdline, expected) == expected
    assert said.initrd == "from-disk"
    assert said.kernel == parts.kernel_release()


def test_systemd_boot_reads_an_entry_of_the_boot_loader_specification(
    tmp_path: Path,
) -> None:
    entries = tmp_path / "boot" / "loader" / "entries"
    entries.mkdir(parents=True)
    boot = tmp_path / "boot"
    (boot / "vmlinuz").write_bytes(parts.kernel().read_bytes())
    for ident in ("first", "second"):
        (boot / ident).write_bytes(guest.good_initrd(ident, parts.kernel_release()))
        entry = menus.bls("/vmlinuz", f"/{ident}", [*PARAMETERS, f"kp.local={ident}"])
        (entries / f"kp-{ident}~1.conf").write_text(entry)
    (boot / "loader" / "loader.conf").write_text("timeout 0\ndefault kp-first~1.conf\n")
    image = boot_partition.build(boot, tmp_path / "disk.img")

    machine = qemu.Machine("uefi", disk=image, network=False)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    said = guest.report(outcome.console)
    expected = [*PARAMETERS, "kp.local=first"]
    assert cmdline.meant(said.cmdline, expected) == expected
    assert said.initrd == "first"


@pytest.mark.parametrize(
    ("loader", "menu"),
    [
        (netboot.PXELINUX, menus.LOCAL_PXELINUX),
        (netboot.GRUB_BIOS, menus.LOCAL_GRUB_BIOS),
        (netboot.GRUB_UEFI, menus.LOCAL_GRUB_UEFI),
        (netboot.IPXE_BIOS, menus.LOCAL_IPXE),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_menu_sends_the_node_to_its_disk(
    site: Site, loader: netboot.Loader, menu: str, local_disk: Path, tmp_path: Path
) -> None:
    name = loader.name.partition("-")[0]
    _publish(site, loader, {name: menu})

    node = netboot.machine(
        loader, site.server, tmp_path, disk=local_disk, from_rom=True
    )
    outcome = qemu.run(node, tmp_path / "run", guest.END)

    assert guest.report(outcome.console).initrd == "from-disk", outcome


def test_dhcp_alone_starts_the_loader_that_it_names(site: Site, tmp_path: Path) -> None:
    _publish(site, netboot.PXELINUX, _menus(site, PARAMETERS))

    node = netboot.machine_without_daemon(netboot.PXELINUX, site.tree.root)
    outcome = qemu.run(node, tmp_path / "run", guest.END)

    said = guest.report(outcome.console)
    assert cmdline.meant(said.cmdline, PARAMETERS) == PARAMETERS


def test_a_node_comes_back_by_itself_from_a_bad_generation(
    site: Site, tmp_path: Path
) -> None:
    parameters = ["console=ttyS0", "panic=1"]
    bad = guest.bad_initrd("bad-1", parts.kernel_release())
    initrd = site.tree.add_object("initrd.img", bad)
    first_bad = {"pxelinux": menus.pxelinux(site.kernel, initrd, parameters)}
    _publish(site, netboot.PXELINUX, first_bad)
    good = {"pxelinux": menus.pxelinux(site.kernel, site.initrd, parameters)}
    site.tree.add_generation({TEMPLATE: good})
    node = netboot.machine(netboot.PXELINUX, site.server, tmp_path, resets=True)

    with qemu.power_on(node, tmp_path / "run") as session:
        panicked = session.wait_for(guest.PANIC)
        assert "KP-BAD bad-1" in panicked.console, panicked
        with pytest.raises(guest.NoReportError):
            guest.report(panicked.console)
        site.tree.switch()
        recovered = session.wait_for(guest.END)

    assert guest.report(recovered.console).initrd == "good-1", recovered


def test_a_junk_kernel_never_starts(site: Site, tmp_path: Path) -> None:
    junk = site.tree.add_object("vmlinuz", guest.junk_kernel())
    menu = menus.pxelinux(junk, site.initrd, ["panic=1"])
    _publish(site, netboot.PXELINUX, {"pxelinux": menu})

    node = netboot.machine(netboot.PXELINUX, site.server, tmp_path)
    refused = qemu.run(node, tmp_path / "run", re.compile("Booting kernel failed"))

    assert refused.ended == "text", refused
    assert guest.PANIC.search(refused.console) is None


def test_an_unknown_node_is_sent_to_its_disk(
    site: Site, local_disk: Path, tmp_path: Path
) -> None:
    _publish(site, netboot.PXELINUX, _menus(site, PARAMETERS))
    site.tree.write("pxelinux.cfg/default", menus.LOCAL_PXELINUX)
    stranger = netboot.machine(
        *(netboot.PXELINUX, site.server, tmp_path),
        mac="52:54:00:00:00:01",
        disk=local_disk,
    )

    outcome = qemu.run(stranger, tmp_path / "run", guest.END)

    assert guest.report(outcome.console).initrd == "from-disk", outcome
