"""From boot state to files, read back by each loader's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput, Refused
from kpstore.loaders.bls import disk as bls
from kpstore.loaders.boot_menu import menu_of
from kpstore.loaders.grub import disk as grubcfg
from kpstore.loaders.grub import network as grub
from kpstore.loaders.ipxe import network as ipxe
from kpstore.loaders.menu import LOCAL_DISK, Disk, Linux, Menu, TreeOptions
from kpstore.loaders.syslinux import pxelinux
from kpstore.model.boot import Boot, boot_of, resolve
from kpstore.model.documents import BootConfig, Document, Image, Node, XenConfig
from kpstore.model.keys import Key
from kpstore.model.params.tokens import compose
from kpstore.model.state import Empty, State
from kpstore.model.templates import Template
from kpstore.targets.tftp.format.layout import place_of
from kpstore.targets.tftp.node_files import (
    node_files,
    render_defaults,
    render_template,
)
from kpstore.targets.tftp.paths import TftpPaths
from kpstore.targets.tree import paths as tree_paths
from kpstore.targets.tree import render as tree_render
from kpstore.targets.tree.layout import TreeRendering
from kpstore.targets.tree.render import tree_boots
from kpstore.targets.values import Marker, ObjectFile
from support import histories, strategies
from support.states import command_line

LOADERS = ("pxelinux", "grub", "ipxe")


def own_files(
    made: Boot, node: Node, prefix: str = "", template: str = ""
) -> dict[str, bytes] | None:
    write = node_files(made, LOADERS, TftpPaths(prefix), template or TEMPLATE.name)
    return write.of(node) if write else None


def menu_at(made: Boot | None) -> Menu:
    return menu_of(made, TftpPaths().seen(made))


def render_tree(
    state: State,
    image: str,
    loaders: list[str],
    options: TreeOptions = TreeOptions(),  # noqa: B008 - an immutable value
) -> TreeRendering:
    return tree_render.render_tree(state, image, loaders, MARKER, options)


MARKER = Marker("", "0" * 40, 0)
VMLINUZ, FIRST, SECOND = "ab" * 32, "00" * 32, "01" * 32
NODE = histories.node(17, vars={"rack": "r1"})
TEMPLATE = Template("web", "", ("rack",))
VARIABLES = ("id={node.index}", "at=rack {node.var.rack} here")


def state(*params: str, default: str = "a", **methods: str) -> State:
    """An image whose entries have the given methods, a group, a node."""
    documents: dict[Key, Document] = {
        **histories.SITE,
        Key("image", "web"): Image(
            arch="x86_64", default=default, params=("root=/dev/sda1",)
        ),
        Key("kernel", "k1", "web"): histories.kernel(initrds=2),
        Key("group", "rack"): histories.group("n[1-99]", "console=ttyS0", "y=a b"),
        Key("node", NODE.name): NODE,
    }
    for name, method in (methods or {"a": "network"}).items():
        entry = {"kernel": "k1", "method": method, "params": params}
        documents[Key("entry", name, "web")] = BootConfig.model_validate(entry)
    return State(Empty(), documents)


def boot(*params: str, method: str = "network") -> Boot:
    found = resolve(state(*params, a=method), TEMPLATE)
    assert found
    return found


def line(loader: str, menu: bytes, own: bytes | None) -> str:
    """Return the command line that a loader makes of a node's files."""
    values: dict[str, str] = {}
    if loader == "pxelinux":
        found = pxelinux.read_menu(menu if own is None else own)
    else:
        dialect = grub if loader == "grub" else ipxe
        found = dialect.read_menu(menu)
        if own is not None:
            values, path = dialect.read_node(own)
            assert path == f"/kp/live/{place_of(TEMPLATE.name)}/{loader}"
    assert isinstance(found.boot, Linux)
    return compose(found.boot.filled(values).params)


@given(
    params=st.lists(
        strategies.tokens(), max_size=5, unique_by=lambda t: t.split("=")[0]
    ),
    data=st.data(),
)
def test_every_loader_makes_the_command_line_that_the_model_says(
    params: list[str], data: st.DataObject
):
    made = boot(*params)
    menu = Menu("web/a", Linux("/k", params=made.params))
    values = data.draw(strategies.values_for(menu))
    own = {name[4:]: text for name, text in values.items() if name.startswith("var.")}
    node = NODE.model_copy(update={"vars": own})
    menus = render_template(made, LOADERS, TftpPaths())
    files = own_files(made, node) or {}
    assert bool(files) == bool(values)
    for loader in LOADERS:
        found = line(loader, menus.get(loader, b""), files.get(loader))
        assert found == command_line(made, node)


def test_a_node_without_variables_needs_no_file_of_its_own():
    made = boot("quiet")
    assert own_files(made, NODE) is None
    assert set(render_template(made, LOADERS, TftpPaths())) == set(LOADERS)


def test_pxelinux_has_no_menu_for_a_template_with_variables():
    made = boot(*VARIABLES)
    assert set(render_template(made, LOADERS, TftpPaths())) == {"grub", "ipxe"}
    files = own_files(made, NODE)
    assert files and set(files) == set(LOADERS)


def test_a_node_without_a_value_gets_no_file():
    node = Node(name="n1", image="web")
    with pytest.raises(InvalidInput, match="node n1 has no index"):
        own_files(boot(*VARIABLES), node)


def test_local_entries_say_boot_from_disk_whatever_their_variables():
    made = boot(*VARIABLES, method="local")
    assert own_files(made, NODE) is None
    menus = render_template(made, LOADERS, TftpPaths())
    assert pxelinux.read_menu(menus["pxelinux"]) == Menu("web/a", Disk())
    assert grub.read_menu(menus["grub"]) == Menu("web/a", Disk())
    assert ipxe.read_menu(menus["ipxe"]) == Menu("web/a", Disk())


def test_mixed_entries_come_over_the_network():
    assert menu_at(boot(method="mixed")) == menu_at(boot(method="network"))


def test_nothing_to_boot_is_the_policy():
    assert menu_at(None) == LOCAL_DISK
    menus = render_template(None, LOADERS, TftpPaths())
    assert pxelinux.read_menu(menus["pxelinux"]) == LOCAL_DISK
    assert TftpPaths().objects(None) == []


def test_unknown_nodes_get_the_policy_too():
    files = render_defaults(LOADERS, TftpPaths("srv"))
    assert pxelinux.read_menu(files["pxelinux"]) == LOCAL_DISK
    assert grub.read_menu(files["grub"]) == LOCAL_DISK
    assert files["ipxe"] == ipxe.write_default("srv")


def test_paths_on_a_tftp_target():
    menus = render_template(boot(), LOADERS, TftpPaths("srv/a"))
    below = f"/kp/objects/{VMLINUZ}/vmlinuz"
    initrds = [f"/kp/objects/{sha}/initrd.img" for sha in (FIRST, SECOND)]
    for dialect, loader in ((grub, "grub"), (ipxe, "ipxe")):
        found = dialect.read_menu(menus[loader]).boot
        assert found.kernel == f"/srv/a{below}"
        assert list(found.initrds) == [f"/srv/a{path}" for path in initrds]
    # PXELINUX puts the folder that it came from before every path by itself.
    found = pxelinux.read_menu(menus["pxelinux"]).boot
    assert (found.kernel, *found.initrds) == (below, *initrds)


def test_a_node_s_file_goes_on_below_the_prefix():
    files = own_files(boot(*VARIABLES), NODE, "srv", "web~0")
    assert files
    assert grub.read_node(files["grub"])[1] == f"/srv/kp/live/{place_of('web~0')}/grub"
    assert ipxe.read_node(files["ipxe"])[1] == f"/srv/kp/live/{place_of('web~0')}/ipxe"


def test_the_objects_that_menus_name():
    assert TftpPaths("srv").objects(boot()) == [
        ObjectFile(VMLINUZ, 10, f"kp/objects/{VMLINUZ}/vmlinuz"),
        ObjectFile(FIRST, 20, f"kp/objects/{FIRST}/initrd.img"),
        ObjectFile(SECOND, 20, f"kp/objects/{SECOND}/initrd.img"),
    ]
    assert tree_paths.objects(boot())[0] == ObjectFile(
        VMLINUZ, 10, f"boot/kp/{VMLINUZ[:12]}/vmlinuz"
    )


def test_every_object_is_named_by_the_menu_and_no_other():
    text = render_template(boot(), LOADERS, TftpPaths())["ipxe"].decode()
    objects = {file.path for file in TftpPaths().objects(boot())}
    named = {word[1:] for word in text.split() if word.startswith("/kp/objects/")}
    assert named == objects


def with_xen() -> State:
    documents = state(a="mixed")
    xen = histories.kernel("4.17", initrds=0).model_copy(update={"kind": "xen"})
    documents.put(Key("kernel", "xen", "web"), xen)
    entry = BootConfig(
        kernel="k1",
        method="mixed",
        xen=XenConfig(kernel="xen", params=("dom0_mem=1G",)),
    )
    documents.put(Key("entry", "a", "web"), entry)
    return documents


def test_xen_is_refused_for_now():
    made = resolve(with_xen(), TEMPLATE)
    with pytest.raises(Refused, match="web/a: entries with a Xen hypervisor"):
        render_template(made, LOADERS, TftpPaths())
    with pytest.raises(Refused, match="web/a: entries with a Xen hypervisor"):
        render_tree(with_xen(), "web", ["grub"])


def test_a_hypervisor_is_an_object_of_its_own():
    made = resolve(with_xen(), TEMPLATE)
    assert tree_paths.objects(made)[-1].path.endswith("/xen.gz")


def test_a_tree_lists_local_and_mixed_entries():
    given_state = state("quiet", a="network", b="local", c="mixed", default="c")
    assert list(tree_boots(given_state, "web")) == ["b", "c"]
    tree = render_tree(given_state, "web", ["grub", "bls"])
    assert set(tree.files) == {
        "boot/grub/grub.cfg",
        "boot/loader/entries/kp-b.conf",
        "boot/loader/entries/kp-c.conf",
        "boot/loader/loader.conf",
    }
    assert tree.switch == ("boot/grub/grub.cfg", "boot/loader/loader.conf")
    menus, default = grubcfg.read_config(tree.files["boot/grub/grub.cfg"])
    assert (list(menus), default) == (["b", "c"], "c")
    assert bls.read_loader_conf(tree.files["boot/loader/loader.conf"]) == "c"


def test_a_tree_s_command_line_is_that_of_image_and_entry():
    given_state = state("quiet", "x=a b", a="mixed")
    tree = render_tree(given_state, "web", ["grub", "bls"])
    meant = compose(boot_of(given_state, "web", "a").params)
    assert meant == 'root=/dev/sda1 quiet "x=a b"'
    menus, _ = grubcfg.read_config(tree.files["boot/grub/grub.cfg"])
    entry = bls.read_entry(tree.files["boot/loader/entries/kp-a.conf"])
    for menu in (menus["a"], entry):
        assert menu.title == "web/a"
        assert isinstance(menu.boot, Linux)
        assert compose(menu.boot.params) == meant
        assert f"/{tree.objects[0].path}" == menu.boot.kernel
        assert [f"/{file.path}" for file in tree.objects[1:]] == [*menu.boot.initrds]


def test_a_tree_with_nothing_to_list_is_left_alone():
    assert render_tree(state(a="network"), "web", ["grub", "bls"]) == TreeRendering(
        MARKER, {}, ()
    )


def test_a_tree_names_each_object_once():
    tree = render_tree(state(a="local", b="mixed"), "web", ["grub"])
    assert [file.sha256 for file in tree.objects] == [VMLINUZ, FIRST, SECOND]


def test_a_tree_whose_image_boots_over_the_network_has_its_first_entry_as_default():
    tree = render_tree(state(a="network", c="mixed", b="local"), "web", ["grub"])
    assert grubcfg.read_config(tree.files["boot/grub/grub.cfg"])[1] == "b"


def test_a_tree_holds_no_node_variables():
    with pytest.raises(Refused, match="web/a: an image's own boot files are the same"):
        render_tree(state(*VARIABLES, a="mixed"), "web", ["grub"])


def test_a_tree_s_loader_may_see_boot_in_another_way():
    options = TreeOptions(grub_dir="grub2", boot="/boot")
    tree = render_tree(state(a="mixed"), "web", ["grub", "bls"], options)
    assert "boot/grub2/grub.cfg" in tree.files
    entry = tree.files["boot/loader/entries/kp-a.conf"].decode()
    assert f"\nlinux /boot/kp/{VMLINUZ[:12]}/vmlinuz\n" in entry


@pytest.mark.parametrize("loader", ["elilo", "bls"])
def test_a_loader_without_a_dialect_is_refused(loader: str):
    with pytest.raises(Refused, match=f"'{loader}' is not yet"):
        render_template(boot(), [loader], TftpPaths())


def test_a_tree_s_loader_without_a_dialect_is_refused():
    with pytest.raises(Refused, match="'elilo' is not yet"):
        render_tree(state(a="local"), "web", ["elilo"])
