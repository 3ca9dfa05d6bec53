"""PXELINUX, as SYSLINUX documents its configuration."""

from histories.boots import Linux
from histories.chroot import Chroot
from histories.firmware import Lost, menu


def pxelinux(server: Chroot, mac: str, folder: str = "") -> Linux | None:
    """Look for the MAC's configuration, then `default`, beside the loader."""
    where = f"/{folder}/pxelinux.cfg"
    text = menu(server, f"{where}/01-{mac.replace(':', '-')}")
    text = menu(server, f"{where}/default") if text is None else text
    if text is None:
        raise Lost("pxelinux: no configuration")
    said = _chosen(text)
    if "LOCALBOOT" in said:
        return None
    if "LINUX" not in said or said["PROMPT"] != "0":
        raise Lost("pxelinux: a prompt")
    line = said.get("APPEND", "")
    if said.get("IPAPPEND") == "2":
        line = f"{line} BOOTIF=01-{mac.replace(':', '-')}".strip()
    initrds = said["INITRD"].split(",") if "INITRD" in said else []
    sums = [server.digest(f"{folder}/{each}") for each in (said["LINUX"], *initrds)]
    return Linux(sums[0], tuple(sums[1:]), line)


def _chosen(text: str) -> dict[str, str]:
    """What the default label says, and PROMPT, which is said of all."""
    label: dict[str, str] = {}
    labels, default = {"": label}, ""
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "DEFAULT":
            default = rest.strip()
        elif word.upper() == "LABEL":
            label = labels.setdefault(rest.strip(), {})
        elif word and not word.startswith("#"):
            label[word.upper()] = rest.strip()
    return labels.get(default, {}) | {"PROMPT": labels[""].get("PROMPT", "0")}
