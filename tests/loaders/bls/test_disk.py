import pytest
from hypothesis import given

from kpstore.errors import InvalidInput, Refused
from kpstore.loaders.bls import disk
from kpstore.loaders.menu import Linux, Menu, TreeOptions
from support import strategies

KERNEL, INITRD = "/boot/kp/0a0a0a0a0a0a/vmlinuz", "/boot/kp/1b1b1b1b1b1b/initrd.img"


def menu(*params: str) -> Menu:
    return Menu("web/a", Linux(KERNEL, (INITRD,), params))


def sayable(token: str) -> bool:
    return "$" not in token and (" " in token or not set(token) & set(";&|<>"))


@given(meant=strategies.menus(strategies.plain_tokens().filter(sayable), "/boot/kp"))
def test_an_entry_is_read_as_it_was_meant(meant: Menu):
    name, data = disk.write_entry("a", meant)
    assert name == "kp-a.conf"
    assert disk.read_entry(data) == meant


@given(token=strategies.plain_tokens().filter(lambda token: not sayable(token)))
def test_what_grub_would_read_as_its_own_is_refused(token: str):
    with pytest.raises(Refused, match="can't be said in a boot loader entry"):
        disk.write_entry("a", menu(token))


@pytest.mark.parametrize("token", ["x=a;b", "x=a&b", "x=<", "memmap=1G$4G", "x=a b$1"])
def test_examples_of_what_is_refused(token: str):
    with pytest.raises(Refused, match="web/a"):
        disk.write_entry("a", menu(token))


@given(meant=strategies.menus(strategies.plain_tokens(), "/boot/kp"))
def test_systemd_boot_takes_a_line_as_it_stands(meant: Menu):
    seen = TreeOptions(chooser="efi/loader/loader.conf")
    written = disk.files({"a": meant}, "a", seen)
    assert disk.read(written.files, seen) == ({"a": meant}, "a")


@pytest.mark.parametrize("chooser", ["", "boot/grub2/grubenv#saved_entry"])
def test_where_grub_may_read_entries_its_own_signs_are_refused(chooser: str):
    with pytest.raises(Refused, match="can't be said"):
        disk.files({"a": menu("memmap=1G$4G")}, "a", TreeOptions(chooser=chooser))


@pytest.mark.parametrize("token", ["dyndbg=a +p; b", "x=#*?[a]!~^%", "x=a=b"])
def test_examples_of_what_is_not(token: str):
    assert disk.read_entry(disk.write_entry("a", menu(token))[1]).boot.params == (
        token,
    )


@pytest.mark.parametrize("name", ["new+3", "new+2-1"])
def test_a_name_that_reads_as_a_count_of_tries_is_refused(name: str):
    with pytest.raises(Refused, match="count of tries"):
        disk.write_entry(name, menu())
    with pytest.raises(Refused, match="count of tries"):
        disk.write_loader_conf(name)


@pytest.mark.parametrize("name", ["new+", "5.10+deb12", "a~b", "my_entry"])
def test_other_names_are_file_names(name: str):
    file, _ = disk.write_entry(name, menu())
    assert file == f"kp-{name}.conf"
    assert disk.read_loader_conf(disk.write_loader_conf(name)) == name


def test_an_entry_s_file_does_not_change_with_the_default():
    menus = {"a": menu("a"), "b": menu("b")}
    first, switch = disk.files(menus, "a", TreeOptions())
    second, _ = disk.files(menus, "b", TreeOptions())
    differing = {path for path in first if first[path] != second[path]}
    assert differing == {switch} == {"boot/loader/loader.conf"}


def test_the_default_is_one_of_the_entries():
    with pytest.raises(InvalidInput, match="default 'b'"):
        disk.files({"a": menu()}, "b", TreeOptions())


@pytest.mark.parametrize("seen", ["", "/boot", "/@/boot"])
def test_paths_start_at_the_file_system_that_holds_the_entry(seen: str):
    files, _ = disk.files({"a": menu()}, "a", TreeOptions(boot=seen))
    data = files["boot/loader/entries/kp-a.conf"]
    assert f"\nlinux {seen}{KERNEL.removeprefix('/boot')}\n" in data.decode()
    assert f"\ninitrd {seen}{INITRD.removeprefix('/boot')}\n" in data.decode()
    assert disk.read_entry(data, seen) == menu()


@pytest.mark.parametrize("line", ["efi /evil.efi", "uki /x", "devicetree /x"])
def test_the_reader_refuses_keys_that_kp_does_not_write(line: str):
    _, data = disk.write_entry("a", menu())
    with pytest.raises(InvalidInput, match="unexpected in a boot loader entry"):
        disk.read_entry(data + line.encode() + b"\n")


@pytest.mark.parametrize("line", ["linux /other", "title other"])
def test_the_reader_refuses_keys_given_twice(line: str):
    _, data = disk.write_entry("a", menu())
    with pytest.raises(InvalidInput, match="twice"):
        disk.read_entry(data + line.encode() + b"\n")
