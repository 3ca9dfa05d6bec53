import pytest

from kpstore.errors import InvalidInput, Refused
from kpstore.loaders.menu import (
    LOCAL_DISK,
    Disk,
    Linux,
    Menu,
    admit,
    admit_local,
    loader_name,
    variable_of,
)

VARIABLES = ["name", "index", "mac", "ip", "image", "var.rack", "var.name", "var.A_1"]


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_s_name_in_a_loader_leads_back(variable: str):
    assert variable_of(loader_name(variable)) == variable


def test_no_two_variables_share_a_name():
    assert len({loader_name(variable) for variable in VARIABLES}) == len(VARIABLES)


@pytest.mark.parametrize("name", ["kp", "kp_", "kp_cpu", "net_default_mac", "index"])
def test_other_names_are_no_node_variables(name: str):
    assert variable_of(name) is None


def test_filling_in_replaces_every_reference():
    boot = Linux("/k", params=("a={node.index}{node.index}", "b=x {node.var.r}", "c"))
    assert boot.variables == ("index", "var.r")
    filled = boot.filled({"index": "7", "var.r": ""})
    assert filled.params == ("a=77", "b=x ", "c")


def test_filling_in_needs_every_value():
    with pytest.raises(InvalidInput, match=r"node variable var\.r has no value"):
        Linux("/k", params=("b={node.var.r}",)).filled({"index": "7"})


def test_an_admitted_menu_is_what_it_boots():
    boot = Linux("/k", ("/i",), ("quiet",))
    assert admit(Menu("web/a", boot)) is boot
    assert isinstance(admit(LOCAL_DISK), Disk)


def test_a_disk_s_own_menu_holds_no_node_variables():
    with pytest.raises(Refused, match=r"node variables \(index, var\.r\)") as refused:
        admit_local(Menu("web/a", Linux("/k", (), ("a={node.index}{node.var.r}",))))
    assert "method network" in refused.value.hint


def test_a_disk_s_own_menu_does_not_lead_to_the_disk():
    with pytest.raises(InvalidInput, match="can't lead to the disk"):
        admit_local(LOCAL_DISK)
