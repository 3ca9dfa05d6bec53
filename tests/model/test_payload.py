"""The identity of a payload: its content, and nothing else."""

from kpstore.model.boot import boot_of
from kpstore.model.documents import BootConfig, Image
from kpstore.model.keys import Key
from kpstore.model.payload import Payload
from kpstore.model.state import State
from support.states import command_line, kernel, state_of


def payload(state: State) -> Payload:
    return boot_of(state, "web", "production").payload


def changed(key: Key, **fields: object) -> Payload:
    state = state_of()
    document = state.get(key)
    assert document is not None
    state.put(key, document.model_copy(update=fields))
    return payload(state)


SAME = payload(state_of())
ENTRY = Key("entry", "production", "web")
KERNEL = Key("kernel", "6.1", "web")


def test_equal_content_has_one_id_in_every_image() -> None:
    state = state_of()
    for kind, name in (("kernel", "6.1"), ("entry", "production")):
        document = state.get(Key(kind, name, "web"))  # type: ignore[arg-type]  # a Kind
        assert document
        state.put(Key(kind, name, "copy"), document)  # type: ignore[arg-type]  # a Kind
    state.put(Key("image", "copy"), state.image("web"))
    assert boot_of(state, "copy", "production").payload == SAME


def test_method_and_groups_are_not_in_it() -> None:
    assert changed(ENTRY, method="local") == SAME


def test_parameters_of_image_and_entry_are() -> None:
    assert changed(ENTRY, params=("quiet",)).id != SAME.id
    assert changed(Key("image", "web"), params=("root=/dev/sdb1",)).id != SAME.id


def test_another_initrd_is_another_payload_of_the_same_kin() -> None:
    other = kernel("6.1", initrd="rebuilt").artifacts
    again = changed(KERNEL, artifacts=other)
    assert again.id != SAME.id
    assert again.kin == SAME.kin


def test_a_hypervisor_counts_with_its_parameters() -> None:
    state = state_of()
    state.put(Key("kernel", "xen", "web"), kernel("4.17", kind="xen"))
    entry = state.entry("web", "production")
    fields = {**dict(entry), "xen": {"kernel": "xen", "params": ("dom0_mem=1G",)}}
    state.put(ENTRY, BootConfig.model_validate(fields))
    assert payload(state).kin != SAME.kin


def test_variables_stay_unresolved() -> None:
    state = state_of()
    image = Image(**{**dict(state.image("web")), "params": ("id={node.index}",)})
    state.put(Key("image", "web"), image)
    boot = boot_of(state, "web", "production")
    assert command_line(boot, state.node("n001")).startswith("id=1 ")
    assert boot.payload == payload(state)
