"""Which loader's files decide: that of the loader that is installed."""

import pytest

from kpstore.loaders.programs import Program, grub_decides, reads_entries, systemd_boot
from support.filetree import Files

SAYS_SO = b"MZ #### LoaderInfo: systemd-boot 252 ####"
CFG = {"boot/grub/grub.cfg": b""}
CORE = {"boot/grub/i386-pc/core.img": b""}
GRUB_EFI = {"efi/EFI/debian/grubx64.efi": b"MZ"}
OWN = {"efi/EFI/systemd/systemd-bootx64.efi": b"MZ"}
CONF = {"efi/loader/loader.conf": b""}
IS_OWN = {"efi/EFI/BOOT/BOOTX64.EFI": SAYS_SO}
IS_OTHER = {"efi/EFI/BOOT/BOOTX64.EFI": b"MZ shim"}


@pytest.mark.parametrize(
    ("files", "deciding"),
    [
        # nobody's program: the configurations tell, and two of them leave it open
        ({}, "both"),
        (CONF, "both"),
        (CFG, "grub"),
        (CFG | CONF, "both"),
        # GRUB's
        (CORE | CFG, "grub"),
        (CORE | CFG | CONF, "grub"),
        (GRUB_EFI | CFG | CONF, "grub"),
        (GRUB_EFI | CFG | CONF | IS_OTHER, "grub"),
        # systemd-boot's
        (OWN, "systemd-boot"),
        (IS_OWN, "systemd-boot"),
        (OWN | CFG, "systemd-boot"),
        (OWN | CONF | CFG | IS_OTHER, "systemd-boot"),
        # both: the firmware's fallback tells, else nothing does
        (OWN | GRUB_EFI | CFG, "both"),
        (OWN | CORE | CFG | CONF, "both"),
        (OWN | GRUB_EFI | CFG | IS_OWN, "systemd-boot"),
        (OWN | GRUB_EFI | CFG | IS_OTHER, "grub"),
        (IS_OWN | GRUB_EFI | CFG, "systemd-boot"),
    ],
)
def test_what_decides(files: dict[str, bytes], deciding: str) -> None:
    tree = Files(files)
    found = {
        name
        for name, decides in (("grub", grub_decides), ("systemd-boot", reads_entries))
        if decides(tree)
    }
    assert found == ({"grub", "systemd-boot"} if deciding == "both" else {deciding})


@pytest.mark.parametrize(
    ("files", "program"),
    [
        (OWN, Program("efi", "x64")),
        (IS_OWN, Program("efi", "x64")),
        ({"boot/EFI/systemd/systemd-bootaa64.efi": b"MZ"}, Program("boot", "aa64")),
        ({"boot/efi/efi/boot/bootia32.efi": SAYS_SO}, Program("boot/efi", "ia32")),
        (IS_OTHER, None),
        ({}, None),
    ],
)
def test_where_systemd_boot_lies(
    files: dict[str, bytes], program: Program | None
) -> None:
    assert systemd_boot(Files(files)) == program
