"""Parameters as people change them, on every layer; what goes is said."""

from pathlib import Path

import pytest

from kpcmd.demo import cluster as demo
from support.cli import Cluster, Result, copy, run, template

ROOT = "root=/dev/sda1 ro panic=30"


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


LAYERS = {
    "image": ("image set web", "image web"),
    "entry": ("entry set web production", "entry web/production"),
    "group": ("group set rack1", "group rack1"),
    "node": ("node set n01", "node n01"),
    "next": ("next n01", "next boot of n01"),
}


def line(made: Cluster, *more: str) -> str:
    return str(made.json("why", "n01", *more)["entry"]["cmdline"])


def entry(made: Cluster, name: str = "production") -> str:
    [found] = [e for e in made.json("entry", "list", "web") if e["entry"] == name]
    return str(found["params"])


@pytest.fixture
def networked(made: Cluster) -> Cluster:
    """Everything of n01's line comes over the network: groups and nodes reach it."""
    made.kp("entry", "set", "web", "production", "--method", "network", "-m", "x")
    made.kp("next", "n01", "--entry", "production")
    return made


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_the_same_words(networked: Cluster, layer: str) -> None:
    made, (words, origin) = networked, LAYERS[layer]
    verb = words.split()

    def change(*options: str, expected: int = 0) -> Result:
        return made.kp(*verb, *options, "-m", "x", expected=expected)

    change("--set-params", "a=1 quiet quiet console=tty0")
    told = change("--add-param", "a=2", "--add-param", "console=ttyS0")
    assert "a=1 gave way to a=2" in told.err
    change("--append-param", "a=3", "--without-param", "panic")
    assert "a=2 a=3 quiet quiet console=tty0 console=ttyS0" in line(made)
    if layer not in ("image", "entry"):
        assert "panic" not in line(made)
        gone = made.json("why", "n01")["entry"]["replaced"]
        assert {
            "token": "panic=30",
            "origin": "entry web/production",
            "by": origin,
            "gave_way_to": [],
        } in gone
        assert f"panic=30 of entry web/production is taken away by {origin}" in (
            made.kp("why", "n01").out
        )
        change("--with-param", "panic")
        assert "panic=30" in line(made)
    else:
        change("--with-param", "panic")
    refused = change("--with-param", "panic", expected=1)
    assert f"{origin} takes no 'panic' away" in refused.err
    change("--remove-param", "quiet", "--remove-param", "console=tty0")
    assert "a=2 a=3 console=ttyS0" in line(made)
    change("--params", "")
    assert "a=" not in line(made).replace("sda", "")


@pytest.mark.parametrize("layer", ["entry", "group", "node", "next"])
def test_what_a_lower_layer_says_is_not_removed_here(
    networked: Cluster, layer: str
) -> None:
    made, (words, origin) = networked, LAYERS[layer]
    made.kp("image", "set", "web", "--params", "quiet", "-m", "x")
    take = (*words.split(), "--remove-param", "quiet", "-m", "x")
    main = made.main()
    refused = made.kp(*take, expected=1)
    assert f"{origin} doesn't say quiet: image web does" in refused.err
    assert "--without-param quiet" in refused.err
    assert made.main() == main
    made.kp(*words.split(), "--without-param", "quiet", "-m", "x")
    assert "quiet" not in line(made)


def test_what_no_layer_says_is_nothing_to_remove(made: Cluster) -> None:
    """A second time is no error, and a slip of the pen is told."""
    take = ("node", "set", "n[01-20]", "--remove-param", "quite", "-m", "x")
    main, said = made.main(), made.kp(*take).err
    assert said.count("quite is said neither here nor below") == 1
    assert made.main() == main


def test_new_ones_take_the_same_words(made: Cluster) -> None:
    given = ("--params", "a=1 b", "--add-param", "a=2", "--without-param", "panic")
    made.kp("image", "add", "x", "--arch", "x86_64", *given)
    made.kp("group", "add", "g", "--nodes", "n01", *given)
    made.kp("node", "add", "n99", "--mac", demo.mac(99), *given)
    made.kp("entry", "add", "web", "e", "--kernel", demo.OLD, *given)
    for verb in (
        ("image", "show", "x"),
        ("group", "show", "g"),
        ("node", "show", "n99"),
    ):
        found = made.json(*verb)
        assert (found["params"], found["without"]) == (["a=2", "b"], ["panic"])
    assert entry(made, "e") == "a=2 b"


def test_a_new_entry_is_without_what_the_default_is_unless_its_line_is_given(
    made: Cluster,
) -> None:
    made.kp("image", "set", "web", "--params", "quiet")
    made.kp("entry", "set", "web", "production", "--without-param", "quiet")
    for name, given in (("like", ()), ("own", ("--params", "x"))):
        made.kp("entry", "add", "web", name, "--kernel", demo.OLD, *given)
    lines = {
        n: made.json("entry", "show", "web", n)["cmdline"] for n in ("like", "own")
    }
    assert lines == {"like": ROOT, "own": "quiet x"}


@pytest.mark.parametrize(
    "given",
    [
        ("--add-param", "a=1", "--remove-param", "a"),
        ("--append-param", "a=1", "--remove-param", "a=1"),
        ("--without-param", "a", "--with-param", "a"),
    ],
)
def test_nothing_is_done_and_undone_at_once(made: Cluster, given: tuple[str, ...]):
    refused = made.kp("node", "set", "n01", *given, expected=2)
    assert "at once" in refused.err


def test_a_plan_and_a_commit_name_what_gives_way(networked: Cluster) -> None:
    made = networked
    made.kp("next", "n01", "--clear")
    made.kp("node", "set", "n[01-02]", "--add-param", "root=/dev/nvme0n1p2")
    gone = {
        "token": "root=/dev/sda1",
        "origin": "entry web/production",
        "by": "node n[01-02]",
        "gave_way_to": ["root=/dev/nvme0n1p2"],
        "nodes": 2,
    }
    text = (
        "root=/dev/sda1 of entry web/production gives way to root=/dev/nvme0n1p2 of "
        "node n[01-02], 2 nodes"
    )
    assert made.json("plan")["replaced"] == [gone]
    assert text in made.kp("plan").out
    done = made.kp("commit", "-m", "disks")
    assert text in done.out
    again = made.json("node", "set", "n01", "--add-param", "x", "-m", "x")
    assert again["replaced"] == []  # it gave way before


def test_an_entry_shows_what_it_replaces_of_its_image(made: Cluster) -> None:
    made.kp("image", "set", "web", "--params", "hugepages=512 ro")
    told = made.kp("entry", "set", "web", "production", "--add-param", "hugepagesz=1G")
    shown = made.json("entry", "show", "web", "production")
    assert shown["replaced"] == [
        {
            "token": "hugepages=512",
            "origin": "image web",
            "by": "entry web/production",
            "gave_way_to": ["hugepagesz=1G"],
        }
    ]
    assert "hugepages" not in told.err  # nothing of this layer gave way
    assert "hugepages=512 of image web gives way" in made.kp("plan").out


def test_a_next_boot_that_is_there_is_changed_and_needs_to_be_there(
    networked: Cluster,
) -> None:
    made = networked
    made.kp("next", "n01", "--add-param", "single")
    assert made.json("node", "show", "n01")["next"]["params"] == ["single"]
    refused = made.kp("next", "n02", "--add-param", "single", expected=1)
    assert "node n02 has no next boot" in refused.err
    refused = made.kp("next", "n01", "--clear", "--add-param", "x", expected=2)
    assert "--add-param and its like go with --entry" in refused.err


def test_what_kp_has_no_grammar_for_is_named_and_refused(
    made: Cluster, tmp_path: Path
) -> None:
    """Neither typed nor read from a tree is a token dropped."""
    refused = run(made.site, "node", "set", "n01", "--params", "a=`x`", "-m", "x")
    assert (refused.status, "'a=`x`' is not allowed" in refused.err) == (1, True)
    (tmp_path / "fresh").mkdir()
    demo.make(tmp_path / "fresh")
    tree = tmp_path / "fresh/images/web"
    text = f"menuentry L {{\nlinux /boot/vmlinuz-{demo.OLD} 'note=\"a\"' ro\n}}\n"
    (tree / "boot/grub/grub.cfg").write_text(text, "utf-8")
    refused = run(made.site, "image", "add", "again", "--tree", str(tree))
    assert refused.status == 1
    assert "boot/grub/grub.cfg has parameters that kp can't pass on" in refused.err
    assert "note=" in refused.err
    assert "again" not in {each["image"] for each in made.json("image", "list")}
