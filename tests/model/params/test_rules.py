"""Rules: the table that a site goes by, and the rows that it adds."""

import re

import pytest

from kpstore.errors import InvalidInput
from kpstore.model.documents import Site
from kpstore.model.names import PARAMETER_KEY
from kpstore.model.params.layers import Layer
from kpstore.model.params.rules import NEWEST, Rules, rules_of
from kpstore.model.params.table import ROWS


def site(**fields: object) -> Site:
    return Site.model_validate({"id": "0" * 32, "name": "x", **fields})


def test_a_site_of_before_goes_by_table_1_and_says_nothing_of_it() -> None:
    assert site().rules.table == 1
    assert not any(name.startswith("params_") for name in site().model_dump())
    assert site(params_table=NEWEST).model_dump()["params_table"] == NEWEST
    assert rules_of(site().model_dump()) is site().rules


def test_each_row_has_a_source_and_no_key_is_in_two() -> None:
    keys = [key for row in ROWS for key in row.keys]
    assert len(keys) == len(set(keys))
    assert all(re.fullmatch(PARAMETER_KEY, key) for key in keys)
    assert all(row.source for row in ROWS)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("root=/dev/sda1", "replace"),
        ("nobody.knows=1", "replace"),
        ("console=ttyS0", "append"),
        ("rd.luks.name=1=a", "append"),
        ("rd.luks.timeout=5", "replace"),
        ("systemd.mount-extra=a:b", "append"),
        ("systemd.mount_extra=a:b", "append"),
        ("hugepagesz=1G", "together"),
        ("rw", "together"),
    ],
)
def test_a_token_has_a_kind_and_a_source(token: str, kind: str) -> None:
    row = Rules(2).row_of(token)
    assert row.kind == kind
    assert row.source


def test_a_site_adds_rows_and_changes_kinds() -> None:
    rules = site(
        params_table=2,
        params_append=("my.*", "root"),
        params_replace=("my.one", "rw"),
        params_together=(("a-b", "c"),),
    ).rules
    kinds = {t: rules.row_of(t).kind for t in ("my.x", "my.one", "root=a", "a_b=1")}
    assert [*kinds.values()] == ["append", "replace", "append", "together"]
    assert rules.row_of("my.x").source == "this site's settings"
    assert rules.row_of("ro").keys == ("ro",)  # rw is by itself now
    assert rules.merge([Layer("x", ("a_b=1", "c")), Layer("y", ("c=2",))]).tokens == (
        "c=2",
    )


def test_rows_that_contradict_each_other_are_refused() -> None:
    twice = site(params_table=2, params_append=("root",), params_replace=("root",))
    with pytest.raises(InvalidInput, match="'root' two kinds"):
        twice.rules.check()
    with pytest.raises(InvalidInput, match="which table 1 has none of"):
        site(params_append=("root",)).rules.check()
    site(params_table=2, params_append=("a", "b")).rules.check()


@pytest.mark.parametrize("table", [1, 2])
@pytest.mark.parametrize("token", ["initrd=/x", "BOOT_IMAGE=/x", "BOOT-IMAGE=/x"])
def test_what_a_loader_sets_is_refused(table: int, token: str) -> None:
    with pytest.raises(InvalidInput, match="is for the loader to set"):
        Rules(table).check_layer(Layer("image w", (token,)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("root=a", "root=b"),
        ("root=a root=b", "root=b root=a"),
        ("ro", "rw"),
        ("hugepages=4", "hugepagesz=1G hugepages=4"),
        ("console=tty0", "console=ttyS0"),
        ("console=ttyS0,9600 console=tty0", "console=ttyS0 console=tty0"),
    ],
)
def test_a_tie_between_groups_is_refused(ours: str, theirs: str) -> None:
    first, second = (
        Layer(f"group {name}", tuple(said.split()))
        for name, said in (("a", ours), ("b", theirs))
    )
    for pair in ((first, second), (second, first)):
        with pytest.raises(InvalidInput, match="have the same priority"):
            Rules(2).check_tie(*pair)
    Rules(2).check_tie(first, first)


def test_what_one_takes_away_the_other_may_not_say() -> None:
    says, takes = Layer("group a", ("quiet",)), Layer("group b", (), ("quiet",))
    for pair in ((says, takes), (takes, says)):
        with pytest.raises(InvalidInput, match="without quiet and quiet"):
            Rules(2).check_tie(*pair)
    Rules(2).check_tie(takes, takes)


def test_keys_that_add_up_are_no_tie() -> None:
    first = Layer("group a", ("rd.lvm.lv=a", "console=tty0", "console=ttyS0", "x"))
    second = Layer("group b", ("rd.lvm.lv=b", "console=ttyS0", "y", "--", "x=2"))
    Rules(2).check_tie(first, second)
