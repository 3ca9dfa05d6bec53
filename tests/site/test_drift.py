"""The quick look: what changed on a target since kp wrote there, at small cost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.cli import Cluster, copy, run, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def drift(made: Cluster) -> set[tuple[str, str]]:
    """Return target and kind of what `kp status` says drifted: exit 4 if anything."""
    status = run(made.site, "status", "--json")
    found = {(each["target"], each["kind"]) for each in status.json["drift"]}
    assert status.status == (4 if found else 0)
    return found


def entry(made: Cluster) -> Path:
    return made.tftp / "pxelinux.cfg/01-02-00-00-00-00-07"


def menu(made: Cluster) -> Path:
    return entry(made).resolve()


def relinked(made: Cluster) -> None:
    entry(made).unlink()
    entry(made).symlink_to("../kp/live/policy/pxelinux")


def edited(made: Cluster) -> None:
    file = menu(made)
    file.chmod(0o644)
    file.write_text(file.read_text("utf-8").replace("panic=30", "panic=0"), "utf-8")


def edited_in_a_tree(made: Cluster) -> None:
    with (made.tree("web") / "boot/grub/grub.cfg").open("a") as file:
        file.write("# by hand\n")


DRIFTS: dict[str, tuple[Callable[[Cluster], None], tuple[str, str]]] = {
    "an entry point leads elsewhere": (relinked, ("boot1", "changed")),
    "an entry point is gone": (lambda m: entry(m).unlink(), ("boot1", "missing")),
    "a menu has other bytes": (edited, ("boot1", "changed")),
    "a menu has another mode": (lambda m: menu(m).chmod(0o600), ("boot1", "mode")),
    "a folder can't be read": (
        lambda m: (m.tftp / "pxelinux.cfg").chmod(0o700),
        ("boot1", "mode"),
    ),
    "an image's own loader": (edited_in_a_tree, ("web-tree", "changed")),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_what_others_change_is_seen_and_stays_known_until_it_is_mended(
    made: Cluster, name: str
):
    change, expected = DRIFTS[name]
    assert drift(made) == set()
    change(made)
    assert expected in drift(made)
    # A writer that has nothing to do there does not forget it, and tells it.
    done = made.kp("good", "db", "-m", "once more")
    assert f"target {expected[0]} drifted" in done.err
    assert expected in drift(made)
    made.kp("publish")
    assert drift(made) == set()


def test_a_nodes_own_file_that_no_writer_looked_at_is_not_forgotten(made: Cluster):
    made.kp("target", "disable", "web-tree", "-m", "its disk has no variables")
    made.kp("image", "set", "web", "--params", "id={node.index}", "-m", "own files")
    own, *_ = (made.tftp / "kp/live").glob("~*/*.pxelinux")
    own.chmod(0o644)
    own.write_text("mine\n", "utf-8")
    assert drift(made) == {("boot1", "changed")}
    for params in ("quiet", "debug"):
        made.kp("image", "set", "db", "--params", params, "-m", "another image")
        assert drift(made) == {("boot1", "changed")}
    made.kp("verify", "--quick", expected=4)
    made.kp("rollback", "db", "--to", "r4")  # draws anew what drifted
    assert own.read_text("utf-8") != "mine\n"
    assert drift(made) == set()


def test_kps_own_changes_are_no_drift(made: Cluster):
    made.kp("image", "set", "web", "--params", "quiet", "-m", "all of web")
    assert drift(made) == set()
    made.kp("node", "set", "n07", "--add-param", "single", "-m", "one node")
    assert drift(made) == set()
    made.kp("rollback", "web", "--to", "r3")
    assert drift(made) == set()
    made.kp("gc")
    assert drift(made) == set()
    made.kp("image", "set", "nope", "--params", "x", "-m", "refused", expected=1)
    assert drift(made) == set()


def test_without_an_index_nothing_is_known_and_all_is_compared(made: Cluster):
    (made.site / "cache/index.db").unlink()
    assert drift(made) == set()
    relinked(made)
    assert drift(made) == {("boot1", "changed")}
    made.kp("verify", expected=4)


def test_another_s_file_in_a_shared_folder_is_no_drift(made: Cluster):
    (made.tftp / "pxelinux.cfg/C0A80001").write_text("another's\n")
    assert drift(made) == set()
    done = made.kp("good", "db", "-m", "once more")
    assert "drifted" not in done.err
    made.kp("verify")


def test_the_cost_does_not_grow_with_the_nodes(made: Cluster):
    """No entry point is looked at: only folders are."""
    looked: list[str] = []
    real = os.lstat

    def counting(path: object, *args: object, **more: object) -> os.stat_result:
        looked.append(str(path))
        return real(path, *args, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "lstat", counting)
        made.kp("status")
    assert looked
    assert not [path for path in looked if "/01-02-" in path]
