"""Command lines as the kernel reads them, and what loaders add to them."""

LOADER_KEYS = ("BOOT_IMAGE", "initrd", "ip", "BOOTIF")


def tokens(cmdline: str) -> list[str]:
    """Split at blanks outside double quotes, as Linux's lib/cmdline.c does."""
    found, token, quoted = [], "", False
    for character in cmdline:
        quoted ^= character == '"'
        if character == " " and not quoted:
            found.append(token)
            token = ""
        else:
            token += character
    return [t for t in [*found, token] if t]


def meant(cmdline: str, expected: list[str], kernel_name: str = "vmlinuz") -> list[str]:
    """The tokens of a guest's /proc/cmdline without its loader's additions.

    A token that is expected is nobody's addition. iPXE under UEFI puts the bare
    name of the kernel's file first.
    """
    found = tokens(cmdline)
    if found[:1] == [kernel_name]:
        del found[0]
    added = [t for t in found if t.partition("=")[0] in LOADER_KEYS]
    return [t for t in found if t not in added or t in expected]
