"""What the mission asks for by commands alone; docs/requirements.md has the numbers."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from kpcmd.demo import cluster as demo
from kpcmd.demo.cluster import NEW, OLD
from kpstore.formats import samples
from support.cli import Cluster, copy, ok, run, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def entry(made: Cluster, name: str, image: str = "web") -> Any:
    """Return an entry's line in the list, with its parameters as tokens."""
    [found] = [e for e in made.json("entry", "list", image) if e["entry"] == name]
    return found


def menu(made: Cluster, number: int) -> str:
    name = f"01-{demo.mac(number).replace(':', '-')}"
    return (made.tftp / "pxelinux.cfg" / name).read_text("ascii")


# --- R03, R61: an image and a kernel file; everything else is derived


def test_an_image_and_a_kernel_file_are_enough(tmp_path: Path):
    """From a tree and one file: names, versions, initrds, modules, root, default."""
    demo.make(tmp_path)
    site, tree = tmp_path / "s", tmp_path / "images/web"
    kernels, tftp = tmp_path / "kernels", tmp_path / "tftp"
    net = f"target add net --kind tftp --root {tftp} --loader pxelinux"
    for line in (
        "init",
        f"image add web --tree {tree}",
        f"kernel add web --files {kernels}/vmlinuz-{NEW}",
        f"entry add web next --kernel {NEW}",
        net,
        f"node add n01 --mac {demo.mac(1)} --image web",
        "commit -m first",
    ):
        ok(site, *line.split())
    image = ok(site, "image", "show", "web", "--json").json
    assert (image["arch"], image["default"]) == ("x86_64", "production")
    listed = ok(site, "entry", "list", "web", "--json").json
    lines = {e["entry"]: (e["kernel"], e["method"], e["params"]) for e in listed}
    root = "root=/dev/sda1 ro panic=30"
    assert lines == {
        "production": (OLD, "local", root),
        "next": (NEW, "local", root),
    }
    files = ok(site, "kernel", "show", "web", NEW, "--json").json["artifacts"]
    assert len(files["initrd"]) == 1
    assert files["modules"]
    ok(
        site,
        "entry",
        "set",
        "web",
        "next",
        "--method",
        "network",
        "--default",
        "-m",
        "x",
    )
    shown = ok(site, "entry", "show", "web", "next", "--node", "n01", "--json").json
    text = (tftp / f"pxelinux.cfg/01-{demo.mac(1).replace(':', '-')}").read_text()
    found = re.search(r"LINUX /(\S+)\n\s+INITRD /(\S+)\n\s+APPEND (.*)\n", text)
    assert found
    kernel, initrd, cmdline = found.groups()
    assert (tftp / kernel).read_bytes() == (kernels / f"vmlinuz-{NEW}").read_bytes()
    assert (tftp / initrd).read_bytes() == (kernels / f"initrd.img-{NEW}").read_bytes()
    assert cmdline == shown["cmdline"] == root


def test_what_lies_beside_a_kernel_is_taken_by_its_release_only(made: Cluster):
    folder = made.where / "in/boot"
    folder.mkdir(parents=True)
    (folder / "bzImage").write_bytes(samples.bzimage("6.9"))
    (folder / "initrd.img-6.8").write_bytes(samples.initrd("6.8"))
    done = made.kp("kernel", "add", "web", "--files", str(folder / "bzImage"))
    assert "with no initrd and no modules\n" in done.err
    (folder / "initramfs-6.9.img").write_bytes(samples.initrd("6.9"))
    words = ("kernel", "add", "web", "--replace", "--files", str(folder / "bzImage"))
    config = folder / "other"
    config.write_text(samples.config())
    done = made.kp(*words, "--config", str(config))  # told: nothing is looked for
    assert "initramfs" not in done.err
    assert f"initrd.0 {folder}/initramfs-6.9.img" in made.kp(*words).err
    (folder / "initramfs-6.9.img").write_bytes(samples.initrd("6.8"))
    refused = run(made.site, *words)
    assert refused.status == 1
    assert "6.8" in refused.err


# --- R15: the development loop


def test_a_kernel_is_updated_by_one_command_and_its_bytes_come_back(made: Cluster):
    def served() -> bytes:
        path = re.search(r"LINUX /(\S+)", menu(made, 1))
        assert path
        return (made.tftp / path[1]).read_bytes()

    before, built = served(), made.where / "bzImage"
    built.write_bytes(samples.bzimage(OLD) + b"built again")
    initrd = made.tree("web") / f"boot/initrd.img-{OLD}"
    files = ("--files", str(built), "--initrd", str(initrd))
    words = ("kernel", "add", "web", "--name", OLD, "--replace", *files, "-m", "again")
    first = made.json("log", "-n", "1")[0]["revision"]
    done = made.json(*words)
    assert done["revision"] == f"r{int(first[1:]) + 1}"
    assert (done["nodes_changed"], served()) == (20, built.read_bytes())
    made.kp("rollback", "web", "-m", "it was better before")
    assert served() == before


# --- R08: one entry, on the disk and over the network


def test_an_entry_is_the_same_on_the_disk_and_over_the_network(made: Cluster):
    """Local to network and back is one commit; kernel and parameters stay."""
    made.kp("entry", "add", "web", "spare", "--kernel", OLD, "-m", "keeps the disk")
    show = ("entry", "show", "web", "production", "--node", "n01")
    mixed = made.json(*show)
    grub = made.tree("web") / "boot/grub/grub.cfg"
    seen = []
    for method in ("local", "network", "mixed"):
        before = int(made.json("show")["revision"][1:])
        words = ("entry", "set", "web", "production", "--method", method)
        done = made.json(*words, "-m", method)
        assert done["revision"] == (f"r{before + 1}")
        assert done["nodes_changed"] == 20
        shown = made.json(*show)
        seen.append((shown["kernel"]["sha256"], shown["cmdline"], shown["payload"]))
        over_network = f"APPEND {mixed['cmdline']}\n" in menu(made, 1)
        assert over_network == (method != "local")
        on_disk = "kp-production" in grub.read_text("ascii")
        assert on_disk == (method != "network")
    assert set(seen) == {
        (mixed["kernel"]["sha256"], mixed["cmdline"], mixed["payload"])
    }


# --- R31, R55: parameters


def params(made: Cluster) -> list[str]:
    [found] = [
        each["new"]
        for each in made.json("blame", "web", "production")
        if each["field"] == "params"
    ]
    return list(found)


QUOTED = "dyndbg=file drivers/* +p"


def test_parameters_are_added_and_removed_again_and_again(made: Cluster):
    made.kp("entry", "set", "web", "production", "--params", "ro panic=30", "-m", "x")
    put = ("entry", "set", "web", "production", "--add-param", QUOTED, "-m", "x")
    assert made.json(*put)["revision"]
    assert made.json(*put)["revision"] is None  # it is there
    assert params(made) == ["ro", "panic=30", QUOTED]
    cmdline = made.json("entry", "show", "web", "production")["cmdline"]
    assert cmdline == f'ro panic=30 "{QUOTED}"'
    assert shlex.split(cmdline) == params(made)
    assert f"APPEND {cmdline}\n" in menu(made, 1)
    made.kp("entry", "set", "web", "production", "--params", cmdline, "-m", "as shown")
    assert params(made) == ["ro", "panic=30", QUOTED]
    made.kp("entry", "set", "web", "production", "--add-param", "panic=5", "-m", "x")
    assert params(made) == ["ro", "panic=5", QUOTED]  # in its place
    take = ("entry", "set", "web", "production", "--remove-param", "dyndbg", "-m", "x")
    assert made.json(*take)["revision"]
    assert made.json(*take)["revision"] is None
    assert params(made) == ["ro", "panic=5"]


@pytest.mark.parametrize("noun", ["group set rack1", "node set n01", "next n01"])
def test_parameters_of_groups_and_nodes_are_quote_safe(made: Cluster, noun: str):
    entry = ["--entry", "production"] if "next" in noun else []
    made.kp(*noun.split(), *entry, "--add-param", QUOTED, "-m", "x")
    assert menu(made, 1).count(f'"{QUOTED}"') == 1
    for bad in ('a="b', "a\nb", "a;b\x00", "a='b'"):
        main = made.main()
        refused = run(made.site, *noun.split(), *entry, "--add-param", bad, "-m", "x")
        assert refused.status == 1
        assert made.main() == main


# --- R44, R45, R54 to R56: every field of an entry

FIELDS: dict[str, dict[str, Any]] = {
    f"--kernel {NEW}": {"kernel": NEW},
    "--method local": {"method": "local"},
    "--method network": {"method": "network"},
    "--method mixed": {},  # as it is
    "--params x=1": {"params": "x=1"},
    "--params=": {"params": ""},
    "--add-param x=1": {"params": "root=/dev/sda1 ro panic=30 x=1"},
    "--remove-param root": {"params": "ro panic=30"},
    "--ssi": {"ssi": True},
    "--no-ssi": {},
    "--like other": {"params": "other"},
    "--like other --method local": {"params": "other", "method": "local"},
    "--params=a --add-param b --remove-param a": {"params": "b"},
    "--default": {},
}


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster with two kernels and another entry, of which drafts are made."""
    where = tmp_path_factory.mktemp("fields") / "cluster"
    made = copy(template(tmp_path_factory.getbasetemp()), where)
    new = str(made.where / "kernels" / f"vmlinuz-{NEW}")
    made.kp("kernel", "add", "web", "--files", new)
    made.kp("image", "set", "web", "--ssi-params", "ssi=1")
    made.kp("entry", "add", "web", "other", "--kernel", OLD, "--params", "other")
    made.kp("commit", "-m", "what fields may name")
    return made


@pytest.mark.parametrize("options", FIELDS)
def test_each_option_of_entry_set_sets_its_field_and_no_other(
    fields: Cluster, options: str
):
    before = entry(fields, "production")
    fields.kp("entry", "set", "web", "production", *options.split())
    after = entry(fields, "production")
    changed = {name for name in before if before[name] != after[name]}
    assert {name: after[name] for name in FIELDS[options]} == FIELDS[options]
    assert changed - {"payload", "verdict"} == {
        name for name, value in FIELDS[options].items() if before[name] != value
    }
    fields.kp("discard")


@pytest.mark.parametrize("options", FIELDS)
def test_each_option_of_entry_add(fields: Cluster, options: str):
    known = {} if "--kernel" in options else {"kernel": OLD}
    kernel = ("--kernel", OLD) if known else ()
    fields.kp("entry", "add", "web", "a.new~name", *kernel, *options.split())
    made = entry(fields, "a.new~name")
    expected = {**known, **FIELDS[options]}
    assert {name: made[name] for name in expected} == expected
    assert made["default"] == ("--default" in options)
    for bad in ("a b", "-a", "ä", "a/b", "a" * 65, "A.NEW~NAME"):
        add = ("entry", "add", "web", *kernel, *options.split(), "--", bad)
        assert run(fields.site, *add).status == 1
    fields.kp("discard")


# --- R46 to R49: the kernel configuration of one image


def test_the_kernel_configuration_of_one_image(made: Cluster):
    """Entries of this image and no other; name, method, and exactly one default."""
    made.kp("entry", "add", "web", "next", "--kernel", OLD, "--method", "network")
    made.kp("entry", "add", "web", "spare", "--kernel", OLD, "--method", "local")
    methods = {"production": "mixed", "next": "network", "spare": "local"}
    for default in ("production", "next", "spare"):
        made.kp("default", "web", default)
        listed = made.json("entry", "list", "web")
        assert {e["entry"]: e["method"] for e in listed} == methods
        assert [e["entry"] for e in listed if e["default"]] == [default]
        plain = made.kp("entry", "list", "web").out.splitlines()
        assert plain[0].split() == [
            "ENTRY",
            "METHOD",
            "KERNEL",
            "VERDICT",
            "PARAMETERS",
        ]
        assert [line.split()[1] for line in plain if line.startswith("*")] == [default]
        assert len(plain) == 4
    assert [e["entry"] for e in made.json("entry", "list", "db")] == ["production"]
    assert run(made.site, "entry", "rm", "web", "spare").status == 1  # the default
    made.kp("default", "web", "next")
    made.kp("entry", "rm", "web", "spare")
    assert [e["entry"] for e in made.json("entry", "list", "web")] == [
        "next",
        "production",
    ]


# --- R52: exactly one origin


def test_a_kernel_has_exactly_one_origin(made: Cluster):
    new = str(made.where / "kernels" / f"vmlinuz-{NEW}")
    origins = {
        "files": ("--files", new),
        "installed": ("--installed", OLD, "--replace"),
    }
    later = ("--package", "--deb", "--rpm", "--source", "--from-node")
    for first in (*later, "--files", "--installed"):
        for second in (*later, "--files", "--installed", "--xen"):
            if first != second:
                words = ("kernel", "add", "web", first, new, second, new)
                refused = run(made.site, *words, "--json")
                assert (refused.status, refused.error["code"]) == (2, "usage"), words
    assert run(made.site, "kernel", "add", "web").status == 2
    for each in later:  # known, and not built: refused in words
        done = run(made.site, "kernel", "add", "web", each, "x", "--json")
        assert (done.status, done.error["code"]) == (1, "refused")
    for kind, words in origins.items():
        made.kp("kernel", "add", "web", *words)
        listed = made.json("kernel", "list", "web")
        assert kind in {each["origin"]["kind"] for each in listed}


# --- R62: diskless


def test_a_diskless_image_needs_no_tree(tmp_path: Path):
    """An entry with a live image's parameters is served, without an image tree."""
    (tmp_path / "tftp").mkdir()
    (tmp_path / "vmlinuz").write_bytes(samples.bzimage("6.2"))
    (tmp_path / "initrd").write_bytes(samples.initrd("6.2"))
    live = {
        "live": "boot=live fetch=http://10.0.0.1/live.squashfs ip=dhcp toram",
        "nfs": "root=/dev/nfs nfsroot=10.0.0.1:/srv/{node.var.root},vers=4 ip=dhcp ro",
    }
    site = tmp_path / "s"
    for line in (
        "init",
        "image add live --arch x86_64",
        f"kernel add live --files {tmp_path}/vmlinuz --initrd {tmp_path}/initrd",
        f"target add net --kind tftp --root {tmp_path}/tftp "
        "--loader pxelinux --loader grub --loader ipxe",
        "node add n01 --mac 02:00:00:00:00:01 --image live --var root=n01",
    ):
        ok(site, *line.split())
    for name, text in live.items():
        ok(site, "entry", "add", "live", name, "--kernel", "6.2", "--params", text)
    ok(site, "commit", "-m", "diskless")
    for name, text in live.items():
        ok(site, "default", "live", name, "-m", name)
        meant = text.replace("{node.var.root}", "n01")
        shown = ok(site, "why", "n01", "--json").json["entry"]
        assert (shown["method"], shown["cmdline"]) == ("network", meant)
        menu = (tmp_path / "tftp/pxelinux.cfg/01-02-00-00-00-00-01").read_text()
        assert f"APPEND {meant}\n" in menu
    verified = json.loads(ok(site, "verify", "--json").out)
    assert [(each["target"], each["findings"]) for each in verified] == [("net", [])]
