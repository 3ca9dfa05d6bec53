"""What systemd-boot boots: loader.conf, boot loader entries and unified images."""

from collections.abc import Mapping

import pytest

from kpstore.formats import samples as make
from kpstore.loaders.bls.foreign import read
from kpstore.loaders.listing import Listing
from support.filetree import Files

BOOT, ESP = "boot/loader", "efi/loader"
SYSTEMD_BOOT = b"MZ #### LoaderInfo: systemd-boot 252 ####"


def entry(kernel: str = "/a", more: str = "") -> str:
    return f"title A\nlinux {kernel}\noptions quiet\n{more}"


def unified(more: Mapping[str, bytes] = {}) -> bytes:
    osrel = b'PRETTY_NAME="Fedora 40"\nID=fedora\nVERSION_ID=40\n'
    parts = {".osrel": osrel, ".cmdline": b"root=UUID=1 rw\0", **more}
    return make.unified("6.9.7", more=parts)


def listing(files: Mapping[str, bytes | str]) -> Listing:
    (found,) = read(Files(files))
    return found


def boots(files: Mapping[str, bytes | str]) -> str | None:
    """Return the id of what boots."""
    found = listing(files)
    return found.chosen.ident if found.chosen else None


def order(*names: str, more: Mapping[str, str] = {}) -> list[str]:
    """Return the entries of those names in the loader's order, by their kernels."""
    paths = {
        f"{BOOT}/entries/{name}.conf": entry(f"/{name}", more.get(name, ""))
        for name in names
    }
    return [each.kernel.strip("/") for each in listing(paths).choices]


@pytest.mark.parametrize("key", ["devicetree", "devicetree-overlay"])
def test_a_device_tree_of_what_boots_is_said(key: str) -> None:
    files = {
        f"{BOOT}/entries/b.conf": entry("/b", f"{key} /b.dtb\n"),
        f"{BOOT}/entries/a.conf": entry("/a"),
    }
    source = f"{BOOT}/entries/b.conf"
    assert listing(files).unread == (
        f"{source}: {key}: kp keeps no device trees (of what boots)",
    )
    files[f"{BOOT}/loader.conf"] = "default a\n"
    assert listing(files).unread == ()


@pytest.mark.parametrize(
    ("more", "initrds"),
    [
        ("options initrd=\\u.img initrd=\\b\\i.img ro\n", ("/u.img", "/b/i.img")),
        ("initrd /own\noptions initrd=\\u.img\n", ("/own",)),
        ("options noinitrd=x\n", ()),
    ],
)
def test_an_initrd_in_the_line_is_what_the_kernel_loads_where_no_other_is(
    more: str, initrds: tuple[str, ...]
) -> None:
    chosen = listing({f"{BOOT}/entries/a.conf": entry("/a", more)}).chosen
    assert chosen
    assert chosen.initrds == initrds


def test_what_a_stub_adds_to_a_unified_image_is_said() -> None:
    files = {
        "efi/EFI/Linux/a[1].efi": unified(),
        "efi/EFI/Linux/b.efi.extra.d/x.addon.efi": b"MZ",
    }
    assert listing(files).unread == ()
    for addon in (
        "/EFI/Linux/a[1].efi.extra.d/x.addon.efi",
        "/loader/addons/y.addon.efi",
    ):
        said = f"{addon} adds to it, and is not read (of what boots)"
        (line,) = listing({**files, f"efi{addon}": b"MZ"}).unread
        assert line.endswith(said)


# --- the order


def test_without_sort_keys_the_newest_name_is_first() -> None:
    """Versions in names count by their numbers."""
    assert order("d-6.1.0-9", "d-6.1.0-18", "d-6.10.2") == [
        "d-6.10.2",
        "d-6.1.0-18",
        "d-6.1.0-9",
    ]


def test_a_version_without_a_sort_key_counts_nothing() -> None:
    said = {"a": "version 9\n", "b": "version 1\n"}
    assert order("a", "b", more=said) == ["b", "a"]


def test_sort_keys_come_first_then_machines_then_versions() -> None:
    said = {
        "old": "sort-key debian\nversion 6.1.0-9\n",
        "new": "sort-key debian\nversion 6.1.0-18\n",
        "other": "sort-key arch\nversion 1\n",
        "machine": "sort-key debian\nmachine-id 1\nversion 99\n",
        "zzz": "",
    }
    assert order(*said, more=said) == ["other", "new", "old", "machine", "zzz"]


def test_what_failed_too_often_is_last() -> None:
    assert order("k-9+0-3", "k-8+1-2", "k-7") == ["k-8+1-2", "k-7", "k-9+0-3"]
    said = {"k-9+0": "sort-key a\n", "k-1": "sort-key z\n"}
    assert order("k-9+0", "k-1", more=said) == ["k-1", "k-9+0"]


def test_of_the_same_entry_twice_the_one_with_more_tries_left_is_first() -> None:
    files = {
        f"{BOOT}/entries/{name}.conf": entry(f"/{name}", "sort-key a\nversion 1\n")
        for name in ("k+1-2", "k+3", "k+2-1")
    }
    assert [e.kernel for e in listing(files).choices] == ["/k+3", "/k+2-1", "/k+1-2"]


# --- which one

FILES = {
    f"{ESP}/entries/a-2+3.conf": entry(),
    f"{ESP}/entries/a-10.conf": entry("/b"),
    f"{ESP}/entries/B.conf": entry("/b"),
}


@pytest.mark.parametrize(
    ("default", "ident"),
    [
        ("", "B"),
        ("a-*", "a-10"),
        ("a-*.conf", "a-10"),
        ("a-2.conf", "a-2"),
        ("a-2", "a-2"),
        ("a-2+3.conf", "a-2"),
        ("A-1?.CONF", "a-10"),
        ("b.conf", "B"),
        ("[ax]-2*", "a-2"),
    ],
)
def test_the_entry_that_is_meant(default: str, ident: str) -> None:
    found = listing({**FILES, f"{ESP}/loader.conf": f"default {default}\n"})
    assert [each.ident for each in found.choices] == ["B", "a-10", "a-2"]
    assert found.chosen and found.chosen.ident == ident
    assert (found.source, found.unread) == (f"{ESP}/loader.conf", ())


@pytest.mark.parametrize(
    ("conf", "ident"),
    [
        ("preferred a-10.conf\ndefault b.conf\n", "a-10"),
        ("default b.conf\npreferred A-2*\n", "a-2"),
        ("preferred c-*\ndefault a-10.conf\n", "a-10"),
        ("preferred c-*\n", "B"),
        ("preferred bad*\ndefault a-10.conf\n", "a-10"),
        ("preferred b*\n", "B"),
        ("default bad*\n", "bad"),
    ],
)
def test_what_is_preferred_goes_before_the_default_while_it_has_tries(
    conf: str, ident: str
) -> None:
    files = {**FILES, f"{ESP}/entries/bad+0-3.conf": entry("/b")}
    assert boots({**files, f"{ESP}/loader.conf": conf}) == ident


def test_the_last_default_counts() -> None:
    conf = {f"{ESP}/loader.conf": "default b.conf\n#default x\ndefault a-10.conf\n"}
    assert boots({**FILES, **conf}) == "a-10"


def test_without_a_loader_conf_the_first_is_what_boots() -> None:
    found = listing(FILES)
    assert found.source == f"{ESP}/entries/B.conf"
    assert found.chosen and found.chosen.ident == "B"


def test_a_default_that_names_nothing_means_the_first_and_is_said() -> None:
    found = listing({**FILES, f"{ESP}/loader.conf": "default c-*\n"})
    assert found.chosen and found.chosen.ident == "B"
    (said,) = found.unread
    assert said == f"{ESP}/loader.conf: its default, c-*, names none of its entries"


@pytest.mark.parametrize("default", ["@saved", "auto-windows"])
def test_what_is_not_in_the_tree_is_not_guessed(default: str) -> None:
    found = listing({**FILES, f"{ESP}/loader.conf": f"default {default}\n"})
    assert found.chosen is None
    assert f"its default, {default}, is" in found.unread[0]


def test_where_all_boot_one_kernel_the_firmware_can_mean_no_other() -> None:
    files = {
        f"{BOOT}/entries/a.conf": entry("/k"),
        f"{BOOT}/entries/a-fallback.conf": entry("/k", "initrd /f\n"),
        f"{BOOT}/loader.conf": "default @saved\n",
    }
    found = listing(files)
    assert found.chosen and found.chosen.ident == "a"
    assert "@saved" in found.unread[0]
    del files[f"{BOOT}/entries/a-fallback.conf"]
    assert listing(files).unread == ()  # nothing else can be meant


# --- what an entry says


def test_repeated_keys_add_up() -> None:
    more = "initrd /microcode\ninitrd  /m/initrd\noptions  root=/dev/sda1  ro\n"
    found = listing({f"{BOOT}/entries/a.conf": "# a\n\n" + entry(more=more)}).choices[0]
    assert found.initrds == ("/microcode", "/m/initrd")
    assert found.words == ("quiet", "root=/dev/sda1", "ro")


def test_paths_may_lack_their_slash_and_have_the_firmware_s() -> None:
    text = "linux m\\6.1\\linux\ninitrd m/6.1/initrd\n"
    found = listing({f"{BOOT}/entries/a.conf": text}).choices[0]
    assert (found.kernel, found.initrds) == ("/m/6.1/linux", ("/m/6.1/initrd",))


def test_a_path_is_found_whatever_its_case() -> None:
    more = "initrd \\DEBIAN\\initrd\ninitrd //debian/None\n"
    files = {
        "efi/Debian/Linux": b"",
        "efi/Debian/INITRD": b"",
        f"{ESP}/entries/a.conf": entry("/debian/linux", more),
    }
    found = listing(files).choices[0]
    assert found.kernel == "/Debian/Linux"
    assert found.initrds == ("/Debian/INITRD", "/debian/None")


def test_an_entry_whose_kernel_is_gone_is_not_listed() -> None:
    files = {
        "boot/old": b"",
        f"{BOOT}/entries/a-2.conf": entry("/new"),
        f"{BOOT}/entries/a-1.conf": entry("/old"),
    }
    assert [each.ident for each in listing(files).choices] == ["a-1"]
    assert boots(files) == "a-1"


@pytest.mark.parametrize(
    "text",
    [
        "title no kernel\n",
        "linux /a\nefi /shell.efi\n",
        "linux /a\narchitecture aa64\n",
    ],
)
def test_what_it_does_not_list(text: str) -> None:
    program = {"boot/EFI/systemd/systemd-bootx64.efi": b"MZ"}
    files = {f"{BOOT}/entries/z.conf": text, f"{BOOT}/entries/a.conf": entry()}
    assert boots({**program, **files}) == "a"


def test_an_entry_of_the_tree_s_own_architecture_is_listed() -> None:
    sh = {"usr/bin/env": make.elf("6.1", "aarch64")}
    files = {
        f"{BOOT}/entries/z.conf": entry(more="architecture x64\n"),
        f"{BOOT}/entries/a.conf": entry(more="architecture AA64\n"),
    }
    assert boots({**sh, **files}) == "a"


def test_names_of_the_loader_s_own_are_not_listed() -> None:
    names = ("auto-x", ".z", "a")
    files = {f"{BOOT}/entries/{name}.conf": entry() for name in names}
    assert [each.ident for each in listing(files).choices] == ["a"]


def test_entries_of_another_kind_are_left_alone() -> None:
    files = {f"{BOOT}/entries/a.conf": entry(), f"{BOOT}/entries.srel": "ostree\n"}
    found = listing(files)
    assert found.choices == ()
    assert found.unread == (f"{BOOT}/entries.srel: entries of another kind",)
    assert boots({**files, f"{BOOT}/entries.srel": "type1\n"}) == "a"


@pytest.mark.parametrize("line", ["efi /shellx64.efi", "uki-url http://a/b.efi"])
def test_what_is_no_kernel_of_the_tree_has_none(line: str) -> None:
    found = listing({f"{BOOT}/entries/a.conf": f"title S\n{line}\n"})
    assert found.chosen and found.chosen.kernel == ""


# --- unified images


def test_an_image_is_one_of_the_choices() -> None:
    found = listing({"efi/EFI/Linux/fedora-6.9.7+3-0.efi": unified()})
    assert found.chosen
    assert found.source == "efi/EFI/Linux/fedora-6.9.7+3-0.efi"
    assert (found.chosen.title, found.chosen.ident) == ("Fedora 40", "fedora-6.9.7")
    assert found.chosen.kernel == "/EFI/Linux/fedora-6.9.7+3-0.efi"
    assert found.chosen.words == ("root=UUID=1", "rw")


def test_images_and_entries_are_in_one_order() -> None:
    keyed = "sort-key fedora\nversion {}\n"
    files: dict[str, bytes | str] = {
        "boot/EFI/Linux/u.efi": unified(),
        f"{BOOT}/entries/old.conf": entry("/o", keyed.format(39)),
        f"{BOOT}/entries/new.conf": entry("/n", keyed.format(41)),
    }
    assert [e.ident for e in listing(files).choices] == ["new", "u", "old"]
    assert boots({**files, f"{BOOT}/loader.conf": "default u.efi\n"}) == "u"


def test_damaged_images_are_named_and_not_listed() -> None:
    files = {
        "boot/EFI/Linux/cut.efi": unified()[:-1],
        "boot/EFI/Linux/text.efi": b"hello",
        "boot/EFI/Linux/whole.efi": unified(),
    }
    cut, text, whole = read(Files(files))
    assert "boot/EFI/Linux/cut.efi: cut off: its section .linux" in cut.unread[0]
    assert "text.efi: it is no unified kernel image" in text.unread[0]
    assert [each.ident for each in whole.choices] == ["whole"]


@pytest.mark.parametrize("key", ["uki", "efi", "linux"])
def test_an_entry_may_start_an_image(key: str) -> None:
    files = {
        "boot/EFI/other/u.efi": unified(),
        f"{BOOT}/entries/a.conf": f"{key} /EFI/other/u.efi\n",
    }
    found = listing(files).choices[0]
    assert (found.kernel, found.words) == ("/EFI/other/u.efi", ("root=UUID=1", "rw"))
    own = {f"{BOOT}/entries/a.conf": f"{key} /EFI/other/u.efi\noptions ro\n"}
    assert listing({**files, **own}).choices[0].words == ("ro",)


def test_of_several_profiles_the_first_is_taken_and_it_is_said() -> None:
    image = unified({".profile": b"ID=main\n"})
    for files in (
        {"efi/EFI/Linux/a.efi": image},
        {f"{ESP}/entries/a.conf": "uki /u.efi\n", "efi/u.efi": image},
    ):
        (said,) = listing(files).unread
        assert said.endswith("its profiles but the first (of what boots)")
    (said,) = listing({f"{ESP}/entries/a.conf": entry("/a", "profile 1\n")}).unread
    assert said.endswith("profile, which is not read (of what boots)")


# --- whether it decides

GRUB_CFG = {"boot/grub2/grub.cfg": "blscfg\n"}
GRUB = {**GRUB_CFG, "boot/efi/EFI/fedora/grubx64.efi": b"MZ"}
OWN = {"boot/efi/EFI/systemd/systemd-bootx64.efi": b"MZ"}
FALLBACK = "boot/efi/EFI/BOOT/BOOTX64.EFI"
ENTRY = {f"{BOOT}/entries/a.conf": entry()}
CONF = {f"{BOOT}/loader.conf": "timeout 3\n"}


@pytest.mark.parametrize("conf", [{}, CONF], ids=["", "conf"])
@pytest.mark.parametrize(
    ("programs", "decides"),
    [
        ({}, True),
        (GRUB, False),
        (OWN, True),
        ({**GRUB_CFG, **OWN}, True),
        ({**GRUB, **OWN}, True),
        ({**GRUB, **OWN, FALLBACK: SYSTEMD_BOOT}, True),
        ({**GRUB, FALLBACK: SYSTEMD_BOOT}, True),
        ({**GRUB, **OWN, FALLBACK: b"MZ shim"}, False),
        ({**GRUB, FALLBACK: b"MZ shim"}, False),
        ({**OWN, FALLBACK: b"MZ shim"}, True),
    ],
)
def test_a_loader_that_is_not_installed_does_not_decide(
    programs: dict[str, bytes | str], decides: bool, conf: dict[str, bytes | str]
) -> None:
    found = list(read(Files({**programs, **ENTRY, **conf})))
    assert bool(found) == decides


@pytest.mark.parametrize(("conf", "decides"), [({}, False), (CONF, True)])
def test_with_no_program_at_all_its_own_file_tells(
    conf: dict[str, bytes | str], decides: bool
) -> None:
    assert bool(list(read(Files({**GRUB_CFG, **ENTRY, **conf})))) == decides


# --- where it looks


def test_entries_are_beside_the_loader() -> None:
    files = {**OWN, "boot/efi/loader/entries/esp.conf": entry(), **ENTRY}
    assert [each.ident for each in listing(files).choices] == ["esp"]


def test_entries_in_boot_count_where_the_loader_reads_it() -> None:
    esp = {**OWN, "boot/efi/loader/loader.conf": "default a.conf\n"}
    assert boots({**esp, **ENTRY}) == "a"
    both = {**esp, **ENTRY, "boot/efi/loader/entries/z.conf": entry()}
    assert boots(both) == "z"  # /boot may be ext4, which it does not read
    fat = {"etc/fstab": "UUID=1 / ext4 defaults\nUUID=2 /boot vfat defaults 0 2\n"}
    assert boots({**both, **fat}) == "a"


def test_fat_knows_no_case() -> None:
    files = {
        "efi/efi/Systemd/SYSTEMD-BOOTX64.EFI": b"MZ",
        "efi/efi/linux/U.EFI": unified(),
    }
    assert boots(files) == "U"
