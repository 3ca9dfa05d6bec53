"""What every loader of the registry fulfils, whatever its language.

A new one is in all of it by its line in the registry.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories import readers
from histories.trial import ORIGINALS
from kpstore.errors import InvalidInput, Refused
from kpstore.loaders import foreign, limits, registry
from kpstore.loaders.contract import LINE, ForeignReader
from kpstore.loaders.listing import Listed
from kpstore.loaders.lookup import LOOKUPS
from kpstore.loaders.menu import LOCAL_DISK, Disk, Linux, Menu, TreeOptions, Xen
from kpstore.model import names
from kpstore.model.vocabulary import LOADERS, WRITTEN
from support import strategies
from support.filetree import Files, files_in
from support.sources import ROOT

PATH = "/kp/objects/" + "ab" * 32 + "/vmlinuz"
DISK_PATH = "/boot/kp/abababababab/vmlinuz"
NODE_MENU = "/kp/live/web~0123456789ab/menu"
TREE = TreeOptions()
network = pytest.mark.parametrize("loader", sorted(registry.NETWORK))
disk = pytest.mark.parametrize("loader", sorted(registry.DISK))
FILLING = [name for name, each in registry.NETWORK.items() if each.fills_variables]
filling = pytest.mark.parametrize("loader", sorted(FILLING))
whole = pytest.mark.parametrize("loader", sorted(registry.NETWORK.keys() - FILLING))


def menu(*params: str, title: str = "web/production", kernel: str = PATH) -> Menu:
    return Menu(title, Linux(kernel, (), params))


def writers() -> dict[str, Callable[[Menu], object]]:
    found: dict[str, Callable[[Menu], object]] = {}
    for name, loader in registry.NETWORK.items():
        found[name] = loader.write_menu
        found[f"{name} node"] = lambda m, w=loader: w.write_node(m, {}, NODE_MENU)
    for name, other in registry.DISK.items():
        found[f"{name} disk"] = lambda m, w=other: w.files({"a": m}, "a", TREE)
    return found


WRITERS = writers()


@network
@given(data=st.data())
def test_a_menu_is_read_as_it_was_meant(loader: str, data: st.DataObject):
    has_words = registry.network(loader).fills_variables
    token = strategies.tokens() if has_words else strategies.plain_tokens()
    meant = data.draw(strategies.menus(token))
    writer = registry.network(loader)
    assert writer.read_menu(writer.write_menu(meant)) == meant


@disk
@given(data=st.data())
def test_a_disk_s_files_are_read_as_they_were_meant(loader: str, data: st.DataObject):
    """Or refused: not every loader can say every parameter."""
    written = strategies.menus(strategies.plain_tokens(), "/boot/kp")
    entries = strategies.matching(names.NAME)
    menus = data.draw(st.dictionaries(entries, written, min_size=1, max_size=3))
    default = data.draw(st.sampled_from(sorted(menus)))
    writer = registry.disk(loader)
    try:
        made = writer.files(menus, default, TREE)
    except Refused:
        return
    assert made.switch in made.files
    assert writer.read(made.files, TREE) == (menus, default)


@disk
def test_a_disk_s_menu_says_what_distributions_write(loader: str):
    usual = ("root=UUID=0-1", "ro", "console=ttyS0,115200n8", "dyndbg=file a.c +p")
    menus = {
        name: Menu(f"web/{name}", Linux(DISK_PATH, (DISK_PATH, DISK_PATH), usual))
        for name in ("production", "0", "5.10+deb12")
    }
    writer = registry.disk(loader)
    first, second = (writer.files(menus, each, TREE) for each in ("0", "production"))
    assert writer.read(first.files, TREE) == (menus, "0")
    assert first.switch == second.switch
    unlike = {path for path in first.files if first.files[path] != second.files[path]}
    assert unlike == {first.switch}  # a default is one file, replaced last


@disk
def test_a_disk_boots_one_of_its_entries_and_holds_no_variables(loader: str):
    writer = registry.disk(loader)
    with pytest.raises(InvalidInput, match="default 'b'"):
        writer.files({"a": menu(kernel=DISK_PATH)}, "b", TREE)
    with pytest.raises(Refused, match="can't hold node variables"):
        writer.files({"a": menu("a={node.index}", kernel=DISK_PATH)}, "a", TREE)
    with pytest.raises(InvalidInput, match="can't lead to the disk"):
        writer.files({"a": Menu("web/a", Disk())}, "a", TREE)


@disk
@pytest.mark.parametrize("name", ["a b", "a\nb", "", "-a", "../a", "a/b", "a'b"])
def test_an_entry_of_a_disk_has_a_name(loader: str, name: str):
    with pytest.raises(InvalidInput, match="is not a name"):
        registry.disk(loader).files({name: menu(kernel=DISK_PATH)}, name, TREE)


@disk
def test_a_kernel_s_own_distribution_s_reader_finds_what_kp_wrote(loader: str):
    menus = {
        name: Menu(name, Linux(f"/boot/kp/{name * 12}/vmlinuz", (), (f"id={name}",)))
        for name in ("a", "b", "c")
    }
    files = registry.disk(loader).files(menus, "b", TREE).files
    listings = [
        each for reader in foreign.FOREIGN for each in reader.read(Files(files))
    ]
    assert [listing.unread for listing in listings] == [()]
    chosen = listings[0].chosen
    assert chosen
    assert chosen.words == ("id=b",)
    assert chosen.kernel.endswith("/kp/bbbbbbbbbbbb/vmlinuz")
    said = {each.words for each in listings[0].choices}
    assert said == {(f"id={name}",) for name in menus}


@disk
def test_a_disk_s_files_are_told_of_and_written_down(loader: str):
    switch = (
        registry.disk(loader).files({"a": menu(kernel=DISK_PATH)}, "a", TREE).switch
    )
    assert f"\n{switch} " in (ROOT / "docs/format.md").read_text("utf-8")
    assert list(ROOT.glob(f"fixtures/loaders/*/golden/{Path(switch).name}"))


@network
def test_a_network_loader_s_menu_is_written_down(loader: str):
    assert list(ROOT.glob(f"fixtures/loaders/*/golden/menu.{loader}"))


def test_each_has_a_reader_that_knows_no_code_of_kp():
    assert readers.NETWORK.keys() == registry.NETWORK.keys()
    assert readers.TREE.keys() == ORIGINALS.keys() == registry.DISK.keys()


@whole
@given(data=st.data())
def test_a_node_is_given_what_its_variables_say(loader: str, data: st.DataObject):
    meant = data.draw(strategies.menus(strategies.tokens()))
    values = data.draw(strategies.values_for(meant))
    writer = registry.network(loader)
    found = writer.read_menu(writer.write_node(meant, values, NODE_MENU))
    assert found == Menu(meant.title, meant.boot.filled(values))


@whole
def test_what_fills_no_variables_writes_none_into_a_menu(loader: str):
    with pytest.raises(InvalidInput, match="can't fill in index"):
        registry.network(loader).write_menu(menu("a={node.index}"))


@filling
@given(data=st.data())
def test_a_node_s_own_file_sets_its_values_and_goes_on(
    loader: str, data: st.DataObject
):
    meant = data.draw(strategies.menus(strategies.tokens()))
    values = data.draw(strategies.values_for(meant))
    writer = registry.NETWORK[loader]
    file = writer.write_node(meant, values, NODE_MENU)
    assert writer.read_node(file) == (values, NODE_MENU)


@network
def test_the_policy_is_the_local_disk(loader: str):
    writer = registry.network(loader)
    assert writer.read_menu(writer.write_menu(LOCAL_DISK)) == LOCAL_DISK
    other = Menu("web/on-disk", Disk())
    assert writer.read_menu(writer.write_menu(other)) == other


@network
def test_the_card_that_it_came_by_is_named_once(loader: str):
    writer = registry.network(loader)
    own = menu("quiet", "BOOTIF=01-02-03-04-05-06-07")
    assert "BOOTIF=01-" in writer.added(menu("quiet").boot)
    assert "BOOTIF=" not in writer.added(own.boot)
    assert writer.write_menu(own).count(b"BOOTIF=") == 1
    assert writer.read_menu(writer.write_menu(own)) == own


# --- limits


@network
def test_the_longest_line_that_it_carries(loader: str):
    limit = registry.network(loader).line_limit
    room = limit - len(registry.network(loader).added(menu().boot))
    assert room > limits.LINE - 200  # what kp makes itself fits, or nearly
    limits.check_added(menu("x" * room), {}, "all", loader)
    with pytest.raises(Refused, match=f"{limit + 1:,} bytes long, {limit:,} at most"):
        limits.check_added(menu("x" * (room + 1)), {}, "all", loader)
    assert limit <= LINE


# --- where it looks

ASKED = {
    "pxelinux": ("pxelinux.cfg/01-52-54-00-00-00-01", "pxelinux.cfg/default"),
    "grub": ("grub/grub.cfg-01-52-54-00-00-00-01", "grub/grub.cfg"),
    "ipxe": ("ipxe/01-52-54-00-00-00-01.ipxe", "ipxe/boot.ipxe"),
}


@network
def test_it_looks_for_a_card_s_own_then_for_the_default(loader: str):
    lookup = registry.network(loader).lookup
    card = f"{lookup.head}52-54-00-00-00-01{lookup.tail}"
    names = (f"{lookup.folder}/{card}", f"{lookup.folder}/{lookup.default}")
    assert names == ASKED[loader]
    assert lookup == LOOKUPS[loader]


def test_no_two_look_in_one_folder():
    folders = [each.folder for each in LOOKUPS.values()]
    assert len(set(folders)) == len(folders)
    assert not {"", "kp"} & set(folders)


@network
@pytest.mark.parametrize("prefix", ["", "pxe/kp"])
def test_what_stands_at_the_default_name_ends_with_the_policy(loader: str, prefix: str):
    """Where it is a file of its own, it looks for the card's own first."""
    writer = registry.network(loader)
    script, lookup = writer.write_default(prefix), writer.lookup
    if script is None:
        return
    own = f"{f'/{prefix}' if prefix else ''}/{lookup.folder}/{lookup.head}"
    policy = writer.write_menu(LOCAL_DISK).splitlines()[-2:]
    assert script.splitlines()[-2:] == policy
    assert script.index(own.encode()) < script.index(policy[0])


@network
def test_people_are_told_what_dhcp_has_to_name(loader: str):
    said = registry.network(loader).boot_files
    assert said and said.isascii() and "\n" not in said


# --- what isn't trusted

HOSTILE = [
    "a\nb",
    "a=b\nreboot",
    "a=${net0/mac}",
    "a={node.index",
    "a={node.secret}",
    "a='b'",
    'a="b',
    "a=`id`",
    "a=b\\",
    "a=$(id)",
    "a=b\0",
    "a=b\r",
    "a=é",
    "a=b\t",
    "a=b ",
    "a=b  c",
    "a=b && reboot",
    "a=b || reboot",
    "a=b #c",
    "",
    " ",
    "a b",
    "-",
    "----",
    "--x",
    "-x",
    "#x",
    "; reboot",
    "a=b\n",
]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("token", HOSTILE)
def test_no_writer_writes_what_the_grammar_forbids(writer: str, token: str):
    with pytest.raises(InvalidInput, match="kernel parameter"):
        WRITERS[writer](menu("quiet", token))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("token", ["initrd=/evil", "BOOT_IMAGE=x", "initrd"])
def test_no_writer_writes_what_the_loader_is_to_set(writer: str, token: str):
    with pytest.raises(InvalidInput, match="for the loader to set"):
        WRITERS[writer](menu(token))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "title", ["", " ", "a  b", "a\nb", "a'b", "${x}", "a;b", "a ", "-n", "a\n", "#"]
)
def test_no_writer_writes_a_hostile_title(writer: str, title: str):
    with pytest.raises(InvalidInput, match="title"):
        WRITERS[writer](menu(title=title))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "path",
    [
        "",
        "vmlinuz",
        "/a b",
        "/a/../b",
        "/..",
        "/a,b",
        "/a\n",
        "/a'b",
        "//a",
        "/a/",
        "/.",
    ],
)
def test_no_writer_writes_a_hostile_path(writer: str, path: str):
    with pytest.raises(InvalidInput, match="path"):
        WRITERS[writer](menu(kernel=path))


@pytest.mark.parametrize("writer", WRITERS)
def test_no_writer_writes_xen_yet(writer: str):
    boot = Linux(PATH, (), (), Xen("/kp/xen.gz", ("dom0_mem=1G",)))
    with pytest.raises(Refused, match="Xen"):
        WRITERS[writer](Menu("web/xen", boot))


@network
@pytest.mark.parametrize(
    "value", ["a b", "a\n", "'", '"', "$x", "{", "`", "\\", "é", "#"]
)
def test_no_writer_writes_a_hostile_value(loader: str, value: str):
    with pytest.raises(InvalidInput, match="node variable index"):
        registry.network(loader).write_node(
            menu("id={node.index}"), {"index": value}, NODE_MENU
        )


@network
@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\xff\xfe", "é".encode(), b"\0", b"#!ipxe\n", b"x" * 9999]
)
def test_no_reader_fails_on_foreign_bytes(loader: str, data: bytes):
    with pytest.raises(InvalidInput):
        registry.network(loader).read_menu(data)


@disk
@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"\0", b"x" * 9999])
def test_no_disk_s_reader_fails_on_foreign_bytes(loader: str, data: bytes):
    reader = registry.disk(loader)
    made = reader.files({"a": menu(kernel=DISK_PATH)}, "a", TREE)
    for path in made.files:
        with pytest.raises(InvalidInput):
            reader.read({**made.files, path: data}, TREE)


@filling
@pytest.mark.parametrize("path", ["/a b", "/a\nreboot", "relative", "/a/../b", "/a'"])
def test_a_node_s_file_goes_on_to_plain_paths_only(loader: str, path: str):
    with pytest.raises(InvalidInput, match="path"):
        registry.network(loader).write_node(menu(), {}, path)


@network
@pytest.mark.parametrize("prefix", ["a b", "a\nreboot", "..", "${net0/ip}", "$x"])
def test_no_default_takes_a_hostile_prefix(loader: str, prefix: str):
    writer = registry.network(loader)
    if writer.write_default("a") is not None:
        with pytest.raises(InvalidInput, match="path"):
            writer.write_default(prefix)


CONFIG = st.text(
    st.sampled_from("ab '\"\\$;{}#\n>=|&(") | st.characters(), max_size=60
) | st.sampled_from(["default ", "label a\nkernel b\n", "blscfg\n", "linux /a\n"])


PLACES = [
    f"{folder}/{name}"
    for folder, names in (
        ("boot/grub", ("grub.cfg", "grubenv")),
        ("boot/grub2", ("grub.cfg", "grubenv")),
        ("boot/efi/EFI/x", ("grub.cfg", "grubenv")),
        ("boot/loader", ("loader.conf", "entries/x.conf", "entries/y.conf")),
        ("efi/loader", ("loader.conf", "entries/x.conf", "entries/y.conf")),
        ("boot/extlinux", ("extlinux.conf",)),
        ("boot", ("extlinux.conf",)),
    )
    for name in names
]


@pytest.mark.parametrize("reader", foreign.FOREIGN, ids=lambda each: each.__name__)
@given(data=st.data())
def test_a_foreign_reader_reads_any_text_or_says_that_it_did_not(
    reader: ForeignReader, data: st.DataObject
):
    files = data.draw(st.dictionaries(st.sampled_from(PLACES), CONFIG, max_size=6))
    for listing in reader.read(Files(files)):
        assert listing.source in files
        assert listing.chosen is None or listing.choices
        assert all(line.startswith(f"{listing.source}: ") for line in listing.unread)


@pytest.mark.parametrize(
    ("kind", "find"), [("tftp", registry.network), ("image", registry.disk)]
)
def test_other_loaders_are_refused_by_name(kind: str, find: Callable[[str], object]):
    unwritten = LOADERS[kind] - set(WRITTEN[kind])
    assert unwritten
    for name in {*unwritten, "lilo", ""}:
        with pytest.raises(Refused, match=f"'{name}' is not yet"):
            find(name)


def test_bls_is_no_network_loader_and_ipxe_no_local_one():
    with pytest.raises(Refused, match="'bls' is not yet written for on a TFTP target"):
        registry.network("bls")
    with pytest.raises(Refused, match="'ipxe' is not yet written for on an image tree"):
        registry.disk("ipxe")


SAMPLES = sorted((ROOT / "fixtures/loaders").glob("*/foreign/*"))


def listed(each: Listed) -> dict[str, object]:
    """Return a choice as JSON has it, without what is empty."""
    plain = json.loads(json.dumps(vars(each), default=listed))
    return {name: value for name, value in plain.items() if value}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_what_others_wrote_says_what_is_beside_it(sample: Path):
    tree = files_in(sample)
    said = {
        listing.source: {
            "choices": [listed(each) for each in listing.choices],
            "boots": listing.chosen and (listing.chosen.ident or listing.chosen.title),
            "unread": list(listing.unread),
        }
        for reader in foreign.FOREIGN
        for listing in reader.read(tree)
    }
    assert not tree.unseen
    assert said == json.loads((sample / "says.json").read_text("utf-8"))


def test_each_foreign_reader_has_samples():
    families = {path.parent.parent.name for path in SAMPLES}
    assert families == {each.__name__.split(".")[-2] for each in foreign.FOREIGN}
