"""What a script can do at a boot, and how much of it."""

from collections.abc import Mapping

import pytest

from kpstore.loaders.grub.foreign import read
from kpstore.loaders.listing import Listed, Listing
from support.filetree import Files

CONFIG = "boot/grub/grub.cfg"
MENU = "menuentry a { linux /a k=$x; }\nmenuentry b --id bb { linux /b k=$x; }\n"
HEAD = "# GRUB Environment Block\n"


def listing(text: str, files: Mapping[str, str] = {}) -> Listing:
    found = read(Files({CONFIG: text, **files}))
    return next(each for each in found if each.source == CONFIG)


def booted(text: str, files: Mapping[str, str] = {}) -> Listed:
    found = listing(text, files)
    assert found.unread == ()
    assert found.chosen
    return found.chosen


def kernel(text: str, files: Mapping[str, str] = {}) -> str:
    return booted(text + "\n" + MENU, files).kernel


# --- which entry


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", "/a"),
        ("set default=1", "/b"),
        ("default=1", "/b"),
        ("set default=bb", "/b"),
        ("set default=b", "/b"),
        ("if [ 1 = 2 ]; then set default=1; fi", "/a"),
        ("if [ 1 = 2 ]; then true; else set default=1; fi", "/b"),
        ("function f { set default=$1; }\nf 1", "/b"),
        ("set default=1\nunset default", "/a"),
        ("for i in 1 0 1; do set default=$i; done", "/b"),
        ("set x=\nuntil [ x$x = xaa ]; do set x=a$x; done\nset default=b", "/b"),
    ],
)
def test_the_default_is_what_the_script_comes_to(text: str, meant: str) -> None:
    assert kernel(text) == meant


def test_a_next_entry_is_for_one_boot_and_not_the_default() -> None:
    once = 'load_env\nif [ "$next_entry" ]; then set default="$next_entry"; '
    block = {"boot/grub/grubenv": HEAD + "next_entry=1\nsaved_entry=0\n"}
    cleared = f"{once}set next_entry=; save_env next_entry; fi"
    assert kernel(cleared, block) == "/a"
    assert kernel(f"{once}fi", block) == "/b"  # nobody ends it


def test_what_one_boot_leaves_in_the_block_is_what_later_ones_get() -> None:
    text = (
        'load_env\nset default="$saved_entry"\nif [ "$prev_saved_entry" ]; then '
        'set saved_entry="$prev_saved_entry"; save_env saved_entry; '
        "set prev_saved_entry=; save_env prev_saved_entry; fi"
    )
    block = HEAD + "saved_entry=0\nprev_saved_entry=1\n"
    assert kernel(text, {"boot/grub/grubenv": block}) == "/b"


def test_a_block_without_its_first_line_is_none_and_said() -> None:
    """GRUB: "error: invalid environment block."."""
    text = "if load_env; then set default=c; fi\nset default=$saved_entry\n" + MENU
    found = listing(text, {"boot/grub/grubenv": "saved_entry=b\n"})
    assert found.chosen
    assert found.chosen.kernel == "/a"
    (said,) = found.unread
    assert "no block of GRUB's variables, and GRUB reads none of it" in said


# --- an entry that starts nothing

GONE = "menuentry a { linux /gone x\nboot\n}\nmenuentry b { linux /k y; }\n"
GONE += "submenu s {\nmenuentry c { linux /gone; }\nmenuentry d { linux /k z; }\n}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fallback=1", ("y",)),
        ("fallback='0 0x1'", ("y",)),
        ("default='s>d'\nfallback=1", ("z",)),
        ("default='2>1'\nfallback=1", ("z",)),
        ("default=nothing\nfallback=1", ("y",)),
        ("default=2\nfallback=1", ("y",)),
        ("default=2\nexport fallback\nfallback=1", ("z",)),
        ("default='0>d'\nfallback=2", ("z",)),
    ],
)
def test_where_an_entry_starts_nothing_its_fallback_boots(
    text: str, words: tuple[str, ...]
) -> None:
    """By grub-emu: see tests/system/test_grub_reading.py."""
    found = listing(f"{text}\n{GONE}", {"k": ""})
    assert found.chosen
    assert (found.chosen.kernel, found.chosen.words) == ("/k", words)
    assert all("/gone is not there, and its fallback boots" in x for x in found.unread)


@pytest.mark.parametrize("text", ["", "fallback=9", "fallback=b", "fallback='0 b'"])
def test_without_a_fallback_that_boots_what_is_lost_is_named(text: str) -> None:
    found = listing(f"{text}\n{GONE}", {"k": ""})
    assert found.chosen
    assert found.chosen.kernel == "/gone"
    assert any("no number" in x for x in found.unread) == ("b" in text[9:])


def test_red_hat_s_grub_goes_to_no_fallback_where_a_kernel_is_gone() -> None:
    found = listing(f"fallback=1\n{GONE}", {"k": "", "etc/redhat-release": "EL"})
    assert found.chosen
    assert found.chosen.kernel == "/gone"


# --- files and devices


def test_files_of_its_own_go_on_in_place_or_have_a_menu() -> None:
    more = {"boot/grub/more.cfg": "set default=1\nset x=y\n"}
    assert booted("source $prefix/more.cfg\n" + MENU, more).words == ("k=y",)
    assert booted("set x=y\nsource /boot/grub/none.cfg\n" + MENU).words == ("k=y",)
    other = {"boot/grub/more.cfg": "menuentry c { linux /c k=$x; }\n"}
    assert booted("x=y\nconfigfile $prefix/more.cfg\n" + MENU, other).kernel == "/c"
    assert booted("x=y\nconfigfile $prefix/more.cfg\n", other).words == ("k=",)
    seen = booted("x=y\nexport x\nconfigfile $prefix/more.cfg\n", other)
    assert seen.words == ("k=y",)


FSTAB = "UUID=Aa-1 / ext4 defaults 0 1\nLABEL=boot /boot ext4 defaults 0 2\n"
BOOT = {"etc/fstab": FSTAB, "boot/k": "", "boot/grub/x.cfg": "set default=1\n", "k": ""}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("true", "/boot/k"),
        ("search --no-floppy --fs-uuid --set=root aa-1", "/k"),
        ("search --no-floppy -u --set root --hint-bios=hd0,gpt2 AA-1", "/k"),
        ("search --fs-uuid --set aa-1", "/k"),
        ("search.fs_uuid aa-1 root hd0,gpt2", "/k"),
        ("search --label --set=root BOOT", "/boot/k"),
        ("search --file --set=root /boot/grub/x.cfg", "/k"),
        ("search --file --set=root /grub/x.cfg", "/boot/k"),
        ("search -nfs root /grub/x.cfg", "/boot/k"),
        ("if search --file --set=root /none; then set root=x; fi", "/boot/k"),
        ("set root='hd0,gpt7'", "/k"),
    ],
)
def test_a_device_is_found_by_the_tree_s_own_fstab(text: str, place: str) -> None:
    assert booted(text + "\nmenuentry a { linux /k; }\n", BOOT).kernel == place


def test_one_path_on_two_devices_is_two_files() -> None:
    files = {**BOOT, "x.cfg": "set x=r\n", "boot/x.cfg": "set x=$x-b\n"}
    text = "search -u --set=root aa-1\nsource /x.cfg\n"
    more = "search -l --set=root boot\nsource /x.cfg\n"
    assert booted(text + more + MENU, files).words == ("k=r-b",)


def test_the_script_s_own_place_is_told_by_fstab() -> None:
    assert booted("source /grub/x.cfg\n" + MENU, BOOT).kernel == "/b"
    assert booted("source ($root)/grub/x.cfg\n" + MENU, BOOT).kernel == "/b"
    assert booted("source ${config_directory}/x.cfg\n" + MENU, BOOT).kernel == "/b"


# --- what is loaded


@pytest.mark.parametrize(
    "body",
    [
        "linux /x\nlinux /k a 'b c' ''\ninitrd /y\ninitrd /i /j",
        "linux16 /k a 'b c'\ninitrd16 /i newc:name:/j",
        "linuxefi /k a 'b c'\ninitrdefi /i /j\nboot\nlinux /x",
        "if linux /none; then boot; fi\nlinux /k a b\\ c\ninitrd /i /j\nfakebios /d",
    ],
)
def test_what_an_entry_loads_last_is_what_it_boots(body: str) -> None:
    found = booted(f"menuentry a {{\n{body}\n}}\n")
    assert (found.kernel, found.initrds) == ("/k", ("/i", "/j"))
    assert found.words == ("a", "b c")


@pytest.mark.parametrize(
    "body",
    [
        "multiboot2 /x placeholder m=1\nmodule2 /k placeholder a\nmodule2 --nounzip /i",
        "xen_hypervisor /x m=1\nxen_module /k a\nxen_module /i",
        "multiboot --quirk-x /x m=1\nmodule /k placeholder a\nmodule /i",
    ],
)
def test_a_hypervisor_comes_with_what_it_starts(body: str) -> None:
    found = booted(f"menuentry a {{\n{body}\n}}\n")
    assert (found.hypervisor, found.kernel) == ("/x", "/k")
    assert found.hypervisor_words == ("m=1",)
    assert (found.initrds, found.words) == (("/i",), ("a",))


@pytest.mark.parametrize(
    "body", ["chainloader +1", "exit", "fwsetup", "true", "linux /a\nreboot", "halt"]
)
def test_an_entry_may_boot_no_kernel(body: str) -> None:
    assert booted(f"menuentry a {{\n{body}\n}}\n").kernel == ""


def test_a_script_may_boot_without_a_menu() -> None:
    assert booted("linux /k a\nboot\n").kernel == "/k"
    assert listing("linux /k a\n").chosen is None  # it ends at GRUB's prompt
    assert listing("").chosen is None


def test_a_line_or_initrd_of_variables_that_nothing_sets_is_said() -> None:
    found = listing("menuentry a {\nlinux /a $x $y\ninitrd $z\n}\n")
    assert found.unread == (
        f"{CONFIG}: the line of /a is of variables alone, and nothing sets them",
        f"{CONFIG}: its initrd is in variables alone, and nothing sets them",
    )
    assert listing("menuentry a {\nlinux /a\n}\n").unread == ()
    assert listing("x=ro\nmenuentry a {\nlinux /a $x\n}\n").unread == ()


@pytest.mark.parametrize("line", ["set root=(hd0,1)", "root='(hd0,1)'"])
def test_a_root_loses_its_parentheses(line: str) -> None:
    entry = f"menuentry a {{\n{line}\nlinux ($root)/k ro\n}}\n"
    assert booted(entry, {"k": ""}).kernel == "/k"


@pytest.mark.parametrize("uuid", ["aa-1", "bb-2"])
def test_a_kernel_of_a_file_system_that_fstab_lacks_is_said(uuid: str) -> None:
    entry = f"menuentry a {{\nsearch --fs-uuid --set=root {uuid}\nlinux /k ro\n}}\n"
    found = listing(entry, {"k": "", "etc/fstab": "UUID=Aa-1 / ext4 defaults 0 1\n"})
    said = f"{CONFIG}: /k of uuid=bb-2, which fstab does not name: another system's?"
    assert found.unread == ((said,) if uuid == "bb-2" else ())
    assert listing(entry, {"k": ""}).unread == ()


@pytest.mark.parametrize("text", ["", "set timeout=5\n", "configfile /none.cfg\n"])
def test_a_file_that_lists_nothing_is_said_where_no_other_does(text: str) -> None:
    stub = {"boot/efi/EFI/x/grub.cfg": text}
    (_, said) = read(Files({CONFIG: text}))
    assert said.unread == (f"{CONFIG}: it lists nothing to boot",)
    found = [*read(Files({CONFIG: MENU, **stub}))]
    assert [each.unread for each in found] == [(), ()]


# --- what only the machine knows


@pytest.mark.parametrize("command", ["keystatus --shift", "cpuid -l", "regexp a b"])
def test_what_can_t_be_known_is_that_of_a_boot_without_anybody(command: str) -> None:
    found = listing(f"if {command}; then set default=1; fi\n{MENU}")
    assert found.chosen
    assert found.chosen.kernel == "/a"
    name = command.partition(" ")[0]
    said = f"{CONFIG}: what {name} says at a boot can't be known: taken for false"
    assert found.unread == (said,)


def test_which_files_a_pattern_means_is_said_not_to_be_known() -> None:
    found = listing(f"for k in /boot/vmlinuz-*; do set x=$k; done\n{MENU}")
    assert found.unread == (
        f"{CONFIG}: which files /boot/vmlinuz-* means is not looked up",
    )
    assert kernel("for k in a '*'; do true; done") == "/a"


def test_nobody_interrupts_a_sleep() -> None:
    assert kernel("if sleep --interruptible 3; then set default=1; fi") == "/b"


def test_a_platform_is_told_by_what_is_installed_or_said_where_it_decides() -> None:
    text = f'if [ "$grub_platform" = efi ]; then set default=1; fi\n{MENU}'
    found = listing(text)
    assert found.chosen
    assert found.chosen.kernel == "/a"
    assert found.unread == (f"{CONFIG}: it boots something else on efi than on pc",)
    found = listing(text, {"boot/grub/x86_64-efi/normal.mod": ""})
    assert found.chosen
    assert found.chosen.kernel == "/b"
    same = 'if [ "$grub_platform" = efi ]; then insmod x; fi'
    assert kernel(same) == "/a"


# --- bounds


@pytest.mark.parametrize(
    "text",
    [
        "while true; do true; done",
        "until false; do true; done",
        "function f { f; }\nf",
        "source /boot/grub/grub.cfg",
        "set a=x\nwhile true; do set a=$a$a; done",
        'function f { f "$@" "$@"; }\nf a b',
        "configfile /boot/grub/grub.cfg",
        "eval 'eval true'\nset a=\"eval \\$a\"\neval $a",
        "while true; do\nmenuentry x { linux /x; }\ndone",
        "set i=\nwhile true; do set i=x$i; set v$i=1; eval set w$i=1; done",
        "while true; do [ -f /none ]; done",
    ],
)
def test_no_script_goes_on_for_ever(text: str) -> None:
    found = listing(f"{text}\n{MENU}")
    assert found.chosen is None
    (said,) = found.unread
    assert "steps" in said or "deep" in said or "beyond all measure" in said


def test_what_is_not_chosen_may_be_endless_or_broken() -> None:
    endless = "menuentry z { while true; do true; done; }\nmenuentry y { eval '}'; }\n"
    found = listing(MENU + endless)
    assert found.chosen
    assert found.chosen.kernel == "/a"
    assert [each.title for each in found.choices] == ["a", "b", "z", "y"]


def test_submenus_are_bounded() -> None:
    text = "submenu x { " * 20 + "linux /x; " + "}; " * 20
    found = listing(text + "\n")
    assert found.chosen is None
    assert "nested more than 8 deep" in found.unread[0]


def test_a_file_that_is_too_long_is_said() -> None:
    found = listing("#" * ((1 << 20) + 1))
    assert found.unread == (f"{CONFIG}: longer than 1048576 bytes",)


def test_a_file_that_is_no_script_is_said_and_decides_nothing() -> None:
    found = listing(f"{MENU}if true; then\n")
    assert (found.chosen, found.choices) == (None, ())
    assert found.unread[0].startswith(f"{CONFIG}: ")
