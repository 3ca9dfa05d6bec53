"""What others change on the targets of a small site, and what a look sees of it."""

from kpstore.queries.verify import Verified
from support.sites import SmallSite, mac


def verified(site: SmallSite, *, deep: bool = True) -> dict[str, Verified]:
    """Hold every target against its commit, by name."""
    return {each.name: each for each in site.picker().verify(deep=deep)}


def kinds(site: SmallSite) -> set[str]:
    """Return the kinds of what a deep look finds."""
    return {f.kind for each in verified(site).values() for f in each.findings}


def change_menu(site: SmallSite) -> None:
    [menu, *_] = (site.tftp / "kp/menus").glob("*/pxelinux")
    menu.chmod(0o644)
    menu.write_text("edited by hand")


def lose_link(site: SmallSite) -> None:
    (site.tftp / f"pxelinux.cfg/01-{mac(1).replace(':', '-')}").unlink()


def flip_kernel_byte(site: SmallSite) -> None:
    [kernel, *_] = (site.tftp / "kp/objects").glob("*/vmlinuz")
    data = bytearray(kernel.read_bytes())
    data[0] ^= 1
    kernel.chmod(0o644)
    kernel.write_bytes(data)
    kernel.chmod(0o444)


def edit_grub(site: SmallSite) -> None:
    with (site.tree / "boot/grub/grub.cfg").open("a") as file:
        file.write("# by hand\n")


def lose_tree_kernel(site: SmallSite) -> None:
    [kernel, *_] = (site.tree / "boot/kp").glob("*/vmlinuz")
    kernel.unlink()
