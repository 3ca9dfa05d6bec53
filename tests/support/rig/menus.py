"""Menus written by hand, with the least quoting that keeps a command line exact.

A parameter is one token as the kernel reads it; one with a blank inside stands in
double quotes as a whole: `"dyndbg=module foo +p"`. What each loader makes of the
text between the `linux` word and the kernel was found out by booting it:

    pxelinux  takes the line as it is
    iPXE      takes it as it is, but `${` expands; a word that starts with `#` and
              one that is just `;`, `&&` or `||` end the command, unless they hide
              in a setting: words are told apart before settings are filled in
    BLS       systemd-boot takes the line as it is
    GRUB      takes off single quotes and puts double ones around a blank
"""

_IPXE_WORDS = {";": "kp_semi", "&&": "kp_and", "||": "kp_or"}
_IPXE_SETTINGS = """\
set kp_hash:hex 23
set kp_semi:hex 3b
set kp_and:hex 26:26
set kp_or:hex 7c:7c
"""
# To a disk. What `chain --replace` started does not come back to `boot.ipxe`.
LOCAL_PXELINUX = "DEFAULT kp\nPROMPT 0\nLABEL kp\n  LOCALBOOT -1\n"
LOCAL_GRUB_BIOS = "insmod chain\ninsmod biosdisk\nchainloader (hd0)+1\nboot\nexit\n"
LOCAL_GRUB_UEFI = """\
insmod part_msdos
insmod fat
insmod chain
search --no-floppy --set=root --file /EFI/BOOT/BOOTX64.EFI
chainloader /EFI/BOOT/BOOTX64.EFI
boot
exit
"""
LOCAL_IPXE = "#!ipxe\nexit\n"

# Debian's signed GRUB reads grub.cfg alone: this finds the node's own file.
GRUB_DISPATCH = """\
insmod regexp
if regexp --set=1:kp_1 --set=2:kp_2 --set=3:kp_3 --set=4:kp_4 --set=5:kp_5 \\
    --set=6:kp_6 '^(..):(..):(..):(..):(..):(..)$' "$net_default_mac"; then
  set kp_own=/grub/grub.cfg-01-$kp_1-$kp_2-$kp_3-$kp_4-$kp_5-$kp_6
  if [ -s $kp_own ]; then configfile $kp_own; fi
fi
"""
IPXE_DISPATCH = """\
#!ipxe
chain --replace 01-${netX/mac:hexhyp}.ipxe ||
"""


def pxelinux(kernel: str, initrd: str, parameters: list[str]) -> str:
    return (
        f"DEFAULT kp\nPROMPT 0\nLABEL kp\n  LINUX {kernel}\n"
        f"  INITRD {initrd}\n  APPEND {' '.join(parameters)}\n"
    )


def grub(
    kernel: str, initrd: str, parameters: list[str], variables: tuple[str, ...] = ()
) -> str:
    """A menu entry that boots at once; `variables` become `name=$kp_name`."""
    own = [f'"{name}=$kp_{name}"' for name in variables]
    words = " ".join([*map(_grub_word, parameters), *own])
    return (
        "set timeout=0\nset default=kp\nmenuentry 'kp' --id kp {\n"
        f"  linux {kernel} {words}\n  initrd {initrd}\n}}\n"
    )


def ipxe(
    kernel: str, initrd: str, parameters: list[str], variables: tuple[str, ...] = ()
) -> str:
    # Under UEFI the kernel itself loads the initrd, by the name given here.
    first = f"initrd={initrd.rpartition('/')[2]}"
    own = [f"{name}=${{kp_{name}}}" for name in variables]
    words = " ".join([first, *map(_ipxe_words, parameters), *own])
    return f"#!ipxe\n{_IPXE_SETTINGS}kernel {kernel} {words}\ninitrd {initrd}\nboot\n"


def bls(kernel: str, initrd: str, parameters: list[str]) -> str:
    return (
        f"title kp\nversion 1\nlinux {kernel}\ninitrd {initrd}\n"
        f"options {' '.join(parameters)}\n"
    )


def _grub_word(parameter: str) -> str:
    quoted = " " in parameter and parameter[0] == parameter[-1] == '"'
    return f"'{parameter[1:-1] if quoted else parameter}'"


def _ipxe_words(parameter: str) -> str:
    return " ".join(map(_ipxe_word, parameter.split(" ")))


def _ipxe_word(word: str) -> str:
    if word in _IPXE_WORDS:
        return f"${{{_IPXE_WORDS[word]}:string}}"
    if word.startswith("#"):
        return "${kp_hash:string}" + word[1:]
    return word
