"""What kp's own menus make real loaders do (the rig's layout, kp's text)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kpstore.loaders import registry
from kpstore.loaders.bls import disk as bls
from kpstore.loaders.grub import disk as grubcfg
from kpstore.loaders.ipxe import network
from kpstore.loaders.menu import LOCAL_DISK, Linux, Menu, TreeOptions
from kpstore.loaders.syslinux import extlinux
from kpstore.model.params.tokens import compose, split
from support.rig import (
    boot_partition,
    cmdline,
    disk,
    guest,
    handmade,
    netboot,
    parts,
    qemu,
    tftp,
)
from support.rotation import OneIn
from support.sources import ROOT

pytestmark = pytest.mark.system

MAC = "52:54:00:12:34:56"
HYPHENATED = MAC.replace(":", "-")
TEMPLATE = "web~0123456789ab"
PLAIN = (
    *("panic=5", "kp.empty=", "kp.flag", "kp.size=1G$4G", "kp.dollar=$kp_index"),
    *("kp.shell=a;b&c!d#e*f<g>h|i?", "kp.more=[0-9]~+%^@:()", "dyndbg=module foo +p"),
    "kp.words=a ; ; b -- ! c;",
)
SAYABLE = ("panic=5", "kp.empty=", "dyndbg=module foo +p ; b", "kp.more=#*?[0-9]~^@:()")
VARIABLES = (
    *("node_id={node.index}", "kp.a={node.name}-{node.var.r}", "kp.none={node.var.e}"),
    "kp.mid=a {node.var.r} {node.var.e} {node.mac}",
)
VALUES = {"index": "17", "name": "n17", "var.r": "r=1,2", "var.e": "", "mac": MAC}
INIT_ARGUMENTS = 30  # of 32 (Linux: CONFIG_INIT_ENV_ARG_LIMIT)
BY_ROM = (netboot.PXELINUX, netboot.GRUB_BIOS, netboot.GRUB_UEFI, netboot.IPXE_BIOS)


@dataclass(frozen=True)
class Site:
    tree: handmade.Tree
    server: tftp.Server
    boot: Linux

    def unknown_nodes(self) -> None:
        """What nodes get that kp does not know."""
        for entry, dialect in (
            ("pxelinux.cfg/default", "pxelinux"),
            ("grub/grub.cfg", "grub"),
        ):
            text = registry.network(dialect).write_menu(LOCAL_DISK).decode()
            self.tree.write(entry, text)
        self.tree.write("ipxe/boot.ipxe", network.write_default("").decode())

    def known_node(self, menu: Menu) -> None:
        """A node with files of its own, for every loader."""
        filling = {each: registry.network(each) for each in ("grub", "ipxe")}
        self.tree.add_template(
            TEMPLATE, {n: d.write_menu(menu).decode() for n, d in filling.items()}
        )
        own = {
            f"{HYPHENATED}.{each}": dialect.write_node(
                menu, VALUES, f"/kp/live/{TEMPLATE}/{each}"
            ).decode()
            for each, dialect in registry.NETWORK.items()
        }
        self.tree.add_shard("ab", own)
        for entry, each in (
            (f"pxelinux.cfg/01-{HYPHENATED}", "pxelinux"),
            (f"grub/grub.cfg-01-{HYPHENATED}", "grub"),
            (f"ipxe/01-{HYPHENATED}.ipxe", "ipxe"),
        ):
            self.tree.link(entry, f"~ab/{HYPHENATED}.{each}")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    tree = handmade.Tree(tmp_path / "tftp").create()
    boot = Linux(
        tree.add_object("vmlinuz", parts.kernel().read_bytes()),
        (
            # The good one comes second: a guest that reports has got both.
            tree.add_object(
                "initrd.img", guest.bad_initrd("1", parts.kernel_release())
            ),
            tree.add_object(
                "initrd.img", guest.good_initrd("2", parts.kernel_release())
            ),
        ),
        (*PLAIN, *VARIABLES),
    )
    with tftp.serve(tree.root) as server:
        made = Site(tree, server, boot)
        made.unknown_nodes()
        yield made


@pytest.mark.parametrize("loader", netboot.LOADERS, ids=lambda loader: loader.name)
def test_a_node_is_given_the_command_line_that_kp_means(
    site: Site, loader: netboot.Loader, tmp_path: Path
) -> None:
    loader.install(site.tree.root)
    site.known_node(Menu("web/production", site.boot))

    machine = netboot.machine(loader, site.server, tmp_path / "run", mac=MAC)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert outcome.ended == "text", outcome
    said = guest.report(outcome.console)
    expected = cmdline.tokens(compose(site.boot.filled(VALUES).params))
    assert cmdline.meant(said.cmdline, expected) == expected
    assert said.initrd == "2"
    bootif = said.cmdline.split("BOOTIF=01-")[1].split()[0]
    assert bootif.replace(":", "-") == HYPHENATED


def lines_of_clusters() -> Iterator[tuple[str, ...]]:
    """The lines of fixtures/cmdlines, as many at once as Linux takes for init."""
    text = (ROOT / "fixtures/cmdlines/lines.txt").read_text("ascii")
    together: tuple[str, ...] = ()
    for line in text.splitlines():
        found = () if line.startswith("#") else tuple(split(line))
        if len(together) + len(found) > INIT_ARGUMENTS:
            yield together
            together = ()
        together += found
    yield together


@pytest.mark.parametrize("loader", netboot.LOADERS, ids=lambda loader: loader.name)
def test_lines_of_real_clusters_arrive_in_a_guest(
    site: Site, loader: netboot.Loader, one_in: OneIn, tmp_path: Path
) -> None:
    loader.install(site.tree.root)
    parts_of_all = list(lines_of_clusters())
    assert sum(map(len, parts_of_all)) > 250
    for tokens in parts_of_all[one_in(len(parts_of_all))]:
        # Behind `--` they are init's, and change nothing of this kernel.
        boot = replace(site.boot, params=("panic=5", "--", *tokens))
        site.known_node(Menu("web/production", boot))
        where = tmp_path / f"run-{parts_of_all.index(tokens)}"

        machine = netboot.machine(loader, site.server, where, mac=MAC)
        outcome = qemu.run(machine, where, guest.END)

        assert outcome.ended == "text", outcome
        expected = cmdline.tokens(compose(boot.params))
        assert (
            cmdline.meant(guest.report(outcome.console).cmdline, expected) == expected
        )


FOUND = Linux("/boot/kp/0a0a0a0a0a0a/vmlinuz", ("/boot/kp/1b1b1b1b1b1b/initrd.img",))
LOCAL = {
    "0": Menu("web/0", Linux("/boot/kp/2c2c2c2c2c2c/vmlinuz")),
    "1": Menu("web/1", replace(FOUND, params=PLAIN)),
    "2": Menu("web/2", Linux("/boot/kp/2c2c2c2c2c2c/vmlinuz")),
}


def add_objects(home: Path) -> None:
    """The files that the entry `1` names, below kp's folder."""
    good = guest.good_initrd("from-disk", parts.kernel_release())
    for path, data in (
        ("0a0a0a0a0a0a/vmlinuz", parts.kernel().read_bytes()),
        ("1b1b1b1b1b1b/initrd.img", good),
    ):
        (home / path).parent.mkdir(parents=True)
        (home / path).write_bytes(data)


def local_disk(folder: Path, *, own_boot: bool = False) -> Path:
    """A disk with kp's grub.cfg; `own_boot`: GRUB sees what is in /boot at the top."""
    tree = folder / "tree"
    add_objects(tree / "kp" if own_boot else tree / "boot" / "kp")
    (tree / "boot" / "grub").mkdir(parents=True, exist_ok=True)
    config = tree / "boot" / "grub" / "grub.cfg"
    config.write_bytes(grubcfg.write_config(LOCAL, "1"))
    return disk.build(tree, folder / "disk.img")


@pytest.mark.parametrize("own_boot", [False, True], ids=["one-file-system", "own-boot"])
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_a_disk_boots_by_kp_s_grub_cfg(
    firmware: qemu.Firmware, own_boot: bool, tmp_path: Path
) -> None:
    image = local_disk(tmp_path, own_boot=own_boot)
    machine = qemu.Machine(firmware, disk=image, network=False)

    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted_from_disk(outcome)


def test_a_disk_boots_by_kp_s_loader_entries(tmp_path: Path) -> None:
    sayable = {"1": Menu("web/1", replace(FOUND, params=SAYABLE)), "2": LOCAL["2"]}
    files, _ = bls.files(sayable, "1", TreeOptions())
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    add_objects(tmp_path / "boot" / "kp")
    image = boot_partition.build(tmp_path / "boot", tmp_path / "disk.img")

    machine = qemu.Machine("uefi", disk=image, network=False)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted_from_disk(outcome, SAYABLE)


def test_a_disk_boots_by_kp_s_extlinux_conf(tmp_path: Path) -> None:
    files, _ = extlinux.files(LOCAL, "1", TreeOptions())
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    add_objects(tmp_path / "boot" / "kp")
    image = boot_partition.build_syslinux(
        tmp_path / "boot", tmp_path / "disk.img", "/extlinux"
    )

    machine = qemu.Machine("bios", disk=image, network=False)
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted_from_disk(outcome)


def assert_booted_from_disk(
    outcome: qemu.Outcome, params: tuple[str, ...] = PLAIN
) -> None:
    said = guest.report(outcome.console)
    expected = cmdline.tokens(compose(params))
    assert cmdline.meant(said.cmdline, expected) == expected
    assert said.initrd == "from-disk"


@pytest.mark.parametrize("known", [True, False], ids=["local-entry", "unknown-node"])
@pytest.mark.parametrize("loader", BY_ROM, ids=lambda loader: loader.name)
def test_a_node_is_sent_to_its_disk(
    site: Site, loader: netboot.Loader, known: bool, tmp_path: Path
) -> None:
    loader.install(site.tree.root)
    if known:
        site.known_node(Menu("web/on-disk", LOCAL_DISK.boot))

    machine = netboot.machine(
        loader,
        site.server,
        tmp_path / "run",
        mac=MAC,
        disk=local_disk(tmp_path),
        from_rom=True,
    )
    outcome = qemu.run(machine, tmp_path / "run", guest.END)

    assert_booted_from_disk(outcome)
