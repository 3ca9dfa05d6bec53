"""The invariants: each broken once, each named."""

from collections.abc import Callable

import pytest

from kpstore.errors import InvalidInput, KpError
from kpstore.model.census import FullCensus
from kpstore.model.checks import check
from kpstore.model.documents import BootConfig, Image, NextBoot, Site, Target
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.state import State
from support.states import kernel, node, put_group, put_node, settled, state_of

Edit = Callable[[State], None]


def checked(edit: Edit, base: State | None = None) -> Moves:
    old = settled(base or state_of())
    new = settled(old)
    edit(new)
    moves = Moves(old, new, FullCensus(old))
    check(moves)
    return moves


def put_entry(name: str, **fields: object) -> Edit:
    entry = BootConfig.model_validate({"kernel": "6.1", **fields})
    return lambda state: state.put(Key("entry", name, "web"), entry)


def put_image(**fields: object) -> Edit:
    def edit(state: State) -> None:
        old = dict(state.image("web"))
        state.put(Key("image", "web"), Image.model_validate({**old, **fields}))

    return edit


def put_target(**fields: object) -> Edit:
    target = Target.model_validate(fields)
    return lambda state: state.put(Key("target", "net"), target)


def both(*edits: Edit) -> Edit:
    def edit(state: State) -> None:
        for each in edits:
            each(state)

    return edit


def drop(key: Key) -> Edit:
    return lambda state: state.drop(key)


def put(*nodes: object) -> Edit:
    return lambda state: [put_node(state, each) for each in nodes] and None  # type: ignore[arg-type, func-returns-value]  # nodes


def xen(state: State) -> None:
    state.put(Key("kernel", "xen", "web"), kernel("4.17", kind="xen"))


def arm(state: State) -> None:
    state.put(Key("kernel", "arm", "web"), kernel("6.1", arch="aarch64"))


BROKEN: list[tuple[Edit, str]] = [
    (put_image(default="nope"), "default 'nope' is not one of its entries"),
    (put_image(default=None), "has entries and no default"),
    (put_entry("x", kernel="nope"), "its kernel 'nope' does not exist"),
    (both(arm, put_entry("x", kernel="arm")), "for aarch64, the image is x86_64"),
    (both(xen, put_entry("x", kernel="xen")), "of kind xen, not linux"),
    (put_entry("x", xen={"kernel": "6.1"}), "of kind linux, not xen"),
    (
        put_entry("x", params=("a=1", "a=2")),
        "entry web/x: parameter 'a' is given twice",
    ),
    (put_image(params=("a=1", "a=2")), "image web: parameter 'a'"),
    (put_entry("x", params=("initrd=/i",)), "'initrd=/i' is for the loader to set"),
    (put_entry("PRODUCTION"), "differ by case only"),
    (drop(Key("image", "web")), "image web goes, but production"),
    (put(node(9, image="nope")), "no image 'nope'"),
    (put(node(9, macs=("02:00:00:00:00:01",))), "mac 02:00:00:00:00:01 is of n001 and"),
    (put(node(9, index=1)), "index web/1 is of n001 and of n009"),
    (put(node(8, ips=("10.0.0.1",)), node(9, ips=("10.0.0.1",))), "ip 10.0.0.1 is of"),
    (put(node(9, next=NextBoot(entry="nope"))), "no entry 'nope'"),
    (put(node(9, next=NextBoot(entry="gpu/run"))), "no image 'gpu'"),
    (put_target(kind="tftp", loaders=("bls",)), "kind tftp has no bls"),
    (put_target(kind="image", loaders=("grub",)), "an image belongs to kind image"),
    (put_target(kind="image", loaders=("grub",), image="nope"), "no image 'nope'"),
    (put_entry("production", params=("r={node.var.rack}",)), "n001 has no var.rack"),
    (put_entry("production", params=("i={node.ip}",)), "n001 has no ip"),
]


@pytest.mark.parametrize(("edit", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_each_broken_invariant_is_refused_by_name(edit: Edit, words: str) -> None:
    with pytest.raises(KpError) as caught:
        checked(edit)
    assert words in caught.value.message


def test_an_unchanged_state_passes_and_so_does_a_good_edit() -> None:
    assert checked(lambda _: None).count == 0
    assert checked(put_entry("production", params=("id={node.index}",))).count == 3


def test_an_image_goes_with_its_parts_but_not_from_under_nodes() -> None:
    keys = [Key("entry", "production", "web"), Key("kernel", "6.1", "web")]
    whole = both(*(drop(key) for key in [*keys, Key("image", "web")]))
    checked(whole, state_of(nodes=0))
    with pytest.raises(InvalidInput, match="used by 3 nodes"):
        checked(whole)


def test_an_image_stays_while_a_target_serves_it() -> None:
    base = state_of(nodes=0)
    fields = {"kind": "image", "loaders": ("grub",), "image": "web"}
    base.put(Key("target", "disk"), Target.model_validate(fields))
    keys = [Key("entry", "production", "web"), Key("kernel", "6.1", "web")]
    with pytest.raises(InvalidInput, match="what target disk serves"):
        checked(both(*(drop(k) for k in [*keys, Key("image", "web")])), base)


def test_addresses_may_be_swapped_in_one_edit() -> None:
    one, two = node(1), node(2)
    moves = checked(
        put(
            one.model_copy(update={"macs": two.macs, "index": 2}),
            two.model_copy(update={"macs": one.macs, "index": 1}),
        )
    )
    assert moves.touched_nodes == ["n001", "n002"]


def test_an_entry_that_a_node_boots_next_stays() -> None:
    base = state_of()
    put_entry("rescue")(base)
    put_node(base, node(1, next=NextBoot(entry="rescue")))
    with pytest.raises(KpError, match="no entry 'rescue'"):
        checked(drop(Key("entry", "rescue", "web")), base)


def test_groups_of_one_priority_must_not_contradict() -> None:
    def tie(state: State) -> None:
        put_group(state, "rack", nodes="n001", params=("x=1",))
        put_group(state, "gpu", nodes="n001", params=("x=2",))

    with pytest.raises(InvalidInput, match="same priority"):
        checked(tie)


def test_a_group_with_an_unknown_member_group_is_refused() -> None:
    with pytest.raises(KpError, match="no group 'nope'"):
        checked(lambda state: put_group(state, "rack", nodes="@nope", params=("x",)))


def rules(**variables: object) -> Edit:
    def edit(state: State) -> None:
        fields = {**dict(state.site()), "variables": variables}
        state.put(Key("site"), Site.model_validate(fields))

    return edit


def test_a_variable_out_of_range_is_refused() -> None:
    base = state_of()
    put_entry("production", params=("id={node.index}",))(base)
    with pytest.raises(InvalidInput, match=r"n003: index is 3, outside 0\.\.2"):
        checked(rules(index={"unique": True, "minimum": 0, "maximum": 2}), base)


def test_a_declared_variable_is_unique_among_an_images_nodes() -> None:
    base = state_of()
    rules(serial={"unique": True})(base)
    put_node(base, node(1, vars={"serial": "a"}))
    with pytest.raises(InvalidInput, match="var web/serial=a is of"):
        checked(put(node(2, vars={"serial": "a"})), base)
    put_node(base, node(2, vars={"serial": "a"}))
    with pytest.raises(InvalidInput, match="serial=a is of"):
        checked(rules(serial={"unique": True, "minimum": None}, x={}), base)


def test_the_sites_id_never_changes() -> None:
    def edit(state: State) -> None:
        state.put(Key("site"), Site(id="1" * 32, name="test"))

    with pytest.raises(InvalidInput, match="id never changes"):
        checked(edit)


def test_many_problems_are_told_together() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked(put(*(node(n, image=f"nope{n}", index=None) for n in range(4, 40))))
    assert caught.value.message.startswith("20 things are wrong")
