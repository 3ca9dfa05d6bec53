"""`kp target set`: what a target serves, and from where, after it was added."""

import json
from pathlib import Path

import pytest

from kpstore.disk import space
from kpstore.disk.space import Free
from support.cli import Cluster, copy, digest, template

FREE = Free(1 << 40, 1 << 20)


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def entries(made: Cluster, folder: str) -> int:
    return len(list((made.tftp / folder).glob("*01-*")))


def test_a_dropped_loader_changes_what_its_nodes_boot(made: Cluster) -> None:
    plan = made.json("target", "set", "boot1", "--drop-loader", "grub", "-n")
    assert (plan["nodes"], plan["nodes_changed"]) == ("n[01-40]", 40)
    assert not [text for text in plan["warnings"] if "alone" in text]
    done = made.json("target", "set", "boot1", "--drop-loader", "grub", "-m", "no GRUB")
    assert done["nodes_changed"] == 40
    assert entries(made, "grub") == 0
    assert entries(made, "ipxe") == entries(made, "pxelinux.cfg") == 40
    made.kp("verify")


def test_nodes_that_only_the_dropped_loader_booted_are_named(made: Cluster) -> None:
    made.kp("target", "set", "boot1", "--loader", "grub", "-m", "GRUB alone")
    said = made.kp("target", "set", "boot1", "--loader", "ipxe", "-n")
    assert (
        "target boot1: nodes that boot through grub alone find no menu any more: "
        "n[01-40]" in said.err
    )
    added = made.json("target", "set", "boot1", "--add-loader", "ipxe", "-n")
    assert (added["nodes_changed"], added["warnings"]) == (0, [])


def test_a_tree_s_dropped_loader_is_its_image_s_nodes(made: Cluster) -> None:
    plan = made.json("target", "set", "db-tree", "--loader", "bls", "-n")
    assert plan["nodes_changed"] == 12
    assert any(
        f"alone find no menu any more: {plan['nodes']}" in w for w in plan["warnings"]
    )


def test_other_targets_that_write_for_the_loader_still_boot_its_nodes(
    made: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "boot2").mkdir()
    options = ["--kind", "tftp", "--root", str(tmp_path / "boot2")]
    made.kp("target", "add", "boot2", *options, "--loader", "grub", "-m", "two")
    plan = made.json("target", "set", "boot1", "--loader", "ipxe", "-n")
    assert plan["nodes_changed"] == 40
    assert plan["warnings"] == []


def test_a_disabled_target_s_loaders_change_nothing(made: Cluster) -> None:
    made.kp("target", "disable", "boot1", "-m", "being rebuilt")
    plan = made.json("target", "set", "boot1", "--loader", "ipxe", "-n")
    assert plan["nodes_changed"] == 0


def test_with_another_prefix_all_is_there_and_the_old_place_goes_on_serving(
    made: Cluster,
) -> None:
    plan = made.json("target", "set", "boot1", "--prefix", "/pxe/", "-n")
    (boot1,) = [each for each in plan["targets"] if each["name"] == "boot1"]
    assert len(boot1["write"]) > 120
    said = made.kp("target", "set", "boot1", "--prefix", "/pxe/", "-m", "below")
    assert "goes on serving" in said.err
    assert entries(made, "pxe/grub") == entries(made, "grub") == 40
    made.kp("verify")
    made.kp("status")
    made.kp("image", "set", "web", "--add-param", "nosmt", "-m", "the next commit")
    made.kp("verify")


def test_a_prefix_in_whose_place_something_is_refuses_and_changes_nothing(
    made: Cluster,
) -> None:
    (made.tftp / "pxe").write_text("a file")
    before = made.served(), made.main()
    made.kp("target", "set", "boot1", "--prefix", "pxe", "-m", "x", expected=1)
    assert (made.served(), made.main()) == before


def test_the_server_is_versioned_and_no_node_changes(made: Cluster) -> None:
    before = made.served()["images"]
    done = made.json("target", "set", "boot1", "--server", "10.0.0.1:6969", "-m", "x")
    assert done["nodes_changed"] == 0
    assert made.served()["images"] == before
    document = made.json("export", "target/boot1")["target/boot1"]
    assert document["options"]["server"] == "10.0.0.1:6969"
    made.kp("verify")
    made.kp("target", "set", "boot1", "--server", "", "-m", "no more")
    assert (
        "server" not in made.json("export", "target/boot1")["target/boot1"]["options"]
    )


def test_a_document_that_says_so_is_the_same_change(
    made: Cluster, tmp_path: Path
) -> None:
    words = ["--loader", "grub", "--server", "boot1:69", "--prefix", "pxe"]
    plan = made.json("target", "set", "boot1", *words, "-n")
    document = made.json("export", "target/boot1")
    document["target/boot1"]["loaders"] = ["grub"]
    document["target/boot1"]["options"] |= {"server": "boot1:69", "prefix": "pxe"}
    file = tmp_path / "boot1.json"
    file.write_text(json.dumps(document))
    applied = made.json("apply", "-f", str(file), "-n")
    assert applied == plan


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "nothing to set"),
        (["--drop-loader", "gurb"], 1, "no loader 'gurb' here"),
        (["--loader", "bls"], 1, "has no bls"),
        (["--replace"], 2, "goes with --kind image"),
        (["--server", "a b"], 1, "server 'a b' is not allowed"),
        (["--server", "boot1:65536"], 1, "server 'boot1:65536' is not allowed"),
        (["--prefix", "../up"], 1, "can't be a path"),
        (
            [
                "--drop-loader",
                "grub",
                "--drop-loader",
                "ipxe",
                "--drop-loader",
                "pxelinux",
            ],
            1,
            "would serve no loader",
        ),
    ],
)
def test_what_it_does_not_take(
    made: Cluster, words: list[str], status: int, said: str
) -> None:
    before = made.main()
    done = made.kp("target", "set", "boot1", *words, "-m", "x", expected=status)
    assert said in done.err
    assert made.main() == before


def test_a_target_stays_of_its_kind_and_image(made: Cluster, tmp_path: Path) -> None:
    document = made.json("export", "target/db-tree")
    document["target/db-tree"]["image"] = "edge"
    file = tmp_path / "tree.json"
    file.write_text(json.dumps(document))
    made.kp("target", "rm", "edge-tree", "-m", "room for it")
    done = made.kp("apply", "-f", str(file), "-m", "x", expected=1)
    assert "stays of kind image and image db" in done.err
    assert "kp target rm db-tree" in done.err


@pytest.mark.parametrize("short", ["bytes", "inodes"])
def test_a_full_target_is_named_with_what_it_needs_and_nothing_is_done(
    made: Cluster, monkeypatch: pytest.MonkeyPatch, short: str
) -> None:
    few = Free(64 if short == "bytes" else 1 << 40, 3 if short == "inodes" else 1 << 20)
    before = digest(made.tftp), made.main()
    monkeypatch.setattr(
        space, "free", lambda path: few if path.is_relative_to(made.tftp) else FREE
    )
    words = ["image", "set", "web", "--add-param", "nosmt", "-m", "x"]
    done = made.kp(*words, expected=1)
    assert "target boot1 can't be staged: " in done.err
    assert f"no room on {space.mount_of(made.tftp)}, {short} are short: " in done.err
    assert (
        f"inodes needed, {space.human(few.bytes)} and {few.inodes:,} inodes free"
        in (done.err)
    )
    assert "--without boot1" in done.err
    assert (digest(made.tftp), made.main()) == before
    made.kp(*words, "--without", "boot1", expected=6)
    assert digest(made.tftp) == before[0]
