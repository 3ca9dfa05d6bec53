"""What is wrong is refused in words, and leaves history, TFTP root and trees alone."""

from pathlib import Path

import pytest

from kpstore.formats import samples
from support.cli import Cluster, copy, digest, ok, run, template

NEW_MAC = "02:00:00:00:09:09"
LONG_PARAMS = " ".join(f"x{number}={'y' * 90}" for number in range(25))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster whose web boots a kernel that became known bad, beside a new one."""
    where = tmp_path_factory.mktemp("bad") / "cluster"
    made = copy(template(tmp_path_factory.getbasetemp()), where)
    _inputs(where / "in")
    made.kp("node", "add", "spare", "--mac", "02:00:00:00:07:07", "-m", "no image")
    made.kp("entry", "add", "db", "odd", "--like", "production", "-m", "another")
    made.kp("entry", "set", "db", "odd", "--add-param", "odd", "-m", "another payload")
    made.kp("bad", "db", "odd", "-m", "it hangs")
    return made


@pytest.fixture(scope="module")
def before(made: Cluster) -> dict[str, str]:
    """What there was before the first bad input; all the others find the same."""
    return _everything(made)


def _inputs(place: Path) -> None:
    """Write files that are right, wrong, or of another machine."""
    files = {
        "vmlinuz": samples.bzimage("6.2"),
        "vmlinuz-arm": samples.raw_image("6.2"),
        "initrd": samples.initrd("6.2"),
        "initrd-6.9": samples.initrd("6.9"),
        "junk": b"x" * 5000,
        "no-mac.csv": b"name,mac,image\nn50,02:00:00:00:01:01,web\nn51,02:zz,web\n",
        "no-image.csv": b"name,mac,image\nn50,02:00:00:00:01:01,web\n"
        b"n51,02:00:00:00:01:02,nope\n",
        "twice.csv": b"name,mac,image\nn50,02:00:00:00:00:01,web\n",
    }
    modules = samples.module_files("6.9")
    files |= {f"modules/6.9/{name}": data for name, data in modules.items()}
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _everything(made: Cluster) -> dict[str, str]:
    """Return main, refs (drafts are some), local settings, and all that is served."""
    settings = (made.site / "kp.toml").read_text("utf-8")
    refs = digest(made.site / "state.git/refs")
    return {**made.served(), "main": made.main(), "refs": refs, "kp.toml": settings}


# The command (IN is the folder of files, TFTP the root), and a word of its message.
BAD = [
    ("kernel add web --files IN/nope", "nope"),
    ("kernel add web --files IN/vmlinuz --initrd IN/nope", "nope"),
    ("kernel add web --files IN/vmlinuz --initrd IN/initrd --modules IN/nope", "nope"),
    ("kernel add web --files IN", "IN"),
    ("kernel add web --files IN/junk", "no kernel"),
    ("kernel add web --files IN/vmlinuz-arm", "aarch64"),
    ("kernel add edge --files IN/vmlinuz", "x86_64"),
    ("kernel add web --files IN/vmlinuz --initrd IN/junk", "no initrd"),
    ("kernel add web --files IN/vmlinuz --initrd IN/initrd-6.9", "6.9"),
    ("kernel add web --files IN/vmlinuz --modules IN/modules/6.9", "6.9"),
    ("kernel add web --files IN/vmlinuz --name 6.1.0-28", "6.1.0-28"),
    ("kernel add web --files IN/vmlinuz --installed 6.1.0-28", "exactly one origin"),
    ("kernel add web", "exactly one origin"),
    ("kernel add web --installed 9.9", "9.9"),
    ("kernel rm web 6.1.0-28", "production"),
    ("kernel rm web 7", "'7'"),
    ("entry add web production --kernel 6.1.0-28", "exists"),
    ("entry add web PRODUCTION --kernel 6.1.0-28", "exists"),
    ("entry add web x --kernel 7.7", "'7.7'"),
    ("entry add web x", "needs a kernel"),
    ("entry add nope x --kernel 6.1.0-28", "'nope'"),
    ("entry add web ../x --kernel 6.1.0-28", "'../x'"),
    ("entry add web x --kernel 6.1.0-28 --method tape", "method"),
    ("entry set web production --add-param a=b\nreboot", "not allowed"),
    ('entry set web production --add-param a="b', "not allowed"),
    ("entry set web production --params LONG", "1,950"),
    ("entry set web production --add-param id={node.var.cluster}", "cluster"),
    ("entry set web production --add-param id={node.wrong}", "not allowed"),
    ("entry rm web production", "default"),
    ("default web nope", "'nope'"),
    ("default db odd", "bad"),
    ("next n99 --entry production", "'n99'"),
    ("next @nope --entry production", "'nope'"),
    ("next n01 --entry nope", "'nope'"),
    ("next n01 --entry production --once", "--once"),
    ("node add n99 --mac 02:00:00:00:00:01", "n01"),
    ("node add n99 --mac 02:00", "'02:00'"),
    (f"node add n01 --mac {NEW_MAC}", "exists"),
    (f"node add n/1 --mac {NEW_MAC}", "'n/1'"),
    (f"node add n99 --mac {NEW_MAC} --ip 10.0.0.300", "10.0.0.300"),
    (f"node add n99 --mac {NEW_MAC} --image web --index 1", "n01"),
    (f"node add n99 --mac {NEW_MAC} --image nope", "'nope'"),
    ("node set n[01-99] --image db", "'n41'"),
    ("node set n[01- --image db", "n[01-"),
    ("node rm n77", "'n77'"),
    ("node import IN/no-mac.csv --format csv", "line 3"),
    ("node import IN/no-image.csv --format csv", "line 3, column image: no image"),
    ("node import IN/twice.csv --format csv --image nope", "'nope'"),
    ("node import IN/twice.csv --format csv", "n01"),
    ("node import IN/none.csv --format csv", "none.csv"),
    ("node import IN/junk --format csv", "line 1"),
    ("group add rack1 --nodes n01", "exists"),
    ("group add r --nodes @rock1", "'rock1'"),
    ("group set nope --nodes n01", "'nope'"),
    ("group add r --nodes n01,n0l", "no node n0l here"),
    ("group set rack1 --add-nodes n99", "no node n99 here"),
    ("image add web --arch x86_64", "exists"),
    ("image add x --arch vax", "arch"),
    ("image add x --tree IN/none", "none"),
    ("image rm web", "20 nodes"),
    ("site set --name a/b", "'a/b'"),
    ("site set --confirm-above 9999999999", "confirm_above"),
    ("site set --retention generations=0", "generations"),
    ("site set --retention grace=99999999999", "grace"),
    ("site set --require-param crashkernel", "crashkernel"),
    ("site set --forbid-param a{", "'a{'"),
    ("site set --allow-param a", "'a'"),
    ("image set web --require-param crashkernel", "crashkernel"),
    ("site set --append a=b", "'a=b'"),
    ("site set --append a --replace a", "two kinds"),
    ("site set --by-table root", "'root'"),
    ("site set --variable a.b=unique", "'a.b'"),
    ("site set --variable a=5..3", "5..3"),
    ("site set --remove-variable inex", "'inex'"),
    ("target add boot2 --kind tftp --root IN/none --loader grub", "none"),
    ("target add boot2 --kind tftp --root TFTP --loader grub", "boot1"),
    ("target add boot2 --kind tftp --root IN --loader lilo", "loaders"),
    ("target add boot2 --kind image --root IN --loader grub", "--image"),
    ("target rm nope", "'nope'"),
    ("rollback db --to r99", "r99"),
    ("rollback nope", "'nope'"),
    ("revert r1", "first"),
    ("good web nope", "'nope'"),
    ("commit --plan 0123", "0123"),
    ("commit --without nope", "'nope'"),
]


def _words(made: Cluster, command: str) -> list[str]:
    places = {
        "IN": str(made.where / "in"),
        "TFTP": str(made.tftp),
        "LONG": LONG_PARAMS,
    }
    words = []
    for word in command.split(" "):
        head, slash, rest = word.partition("/")
        words.append(places[head] + slash + rest if head in places else word)
    return words


@pytest.mark.parametrize(("command", "says"), BAD, ids=[c[:60] for c, _ in BAD])
def test_is_refused_in_words_and_changes_nothing(
    made: Cluster, before: dict[str, str], command: str, says: str
):
    says = says.replace("IN", str(made.where / "in"))
    words = [*_words(made, command), "-m", "why"]
    plain, told = run(made.site, *words), run(made.site, *words, "--json")
    assert plain.status == told.status != 0
    assert plain.out == ""
    message, hint = plain.err.split("\nhint: ")
    assert says in message
    assert hint.strip()
    assert "--help has examples" not in hint
    assert "Traceback" not in plain.err + told.out + told.err
    assert told.error["code"] not in ("internal", "failed")
    assert says in told.error["message"]
    assert told.error["hint"] == hint.strip()
    assert _everything(made) == before


@pytest.mark.parametrize(
    "words",
    ["stats", "image", "log -n 0", "good web", "plan x", "node add n1 --index x"],
)
def test_wrong_usage_is_exit_2(made: Cluster, before: dict[str, str], words: str):
    plain = run(made.site, *words.split())
    assert (plain.status, plain.out) == (2, "")
    assert "Usage: kp" in plain.err
    told = run(made.site, *words.split(), "--json")
    assert told.status == 2
    assert told.error["code"] == "usage"
    assert _everything(made) == before


def test_a_command_without_a_site_says_so(tmp_path: Path):
    for words in ("status", "log", "plan", "node list", "init --name a/b"):
        result = run(tmp_path / "none", *words.split(), "--json")
        assert result.status == 1
        assert result.error["hint"]
    assert list(tmp_path.iterdir()) == []


def test_a_second_init_is_refused(tmp_path: Path):
    ok(tmp_path / "site", "init")
    before = digest(tmp_path)
    assert run(tmp_path / "site", "init", "--json").error["code"] == "refused"
    assert digest(tmp_path) == before


def test_what_is_drafted_and_breaks_a_rule_is_refused_by_commit(tmp_path: Path):
    ok(tmp_path, "init")
    ok(tmp_path, "image", "add", "web", "--arch", "x86_64")
    ok(tmp_path, "node", "add", "n1", "--mac", NEW_MAC, "--image", "web")
    main = (tmp_path / "state.git/refs/heads/main").read_bytes()
    result = run(tmp_path, "commit", "--without", "nope", "-m", "x")
    assert result.status == 1
    assert "no target 'nope'" in result.err
    assert (tmp_path / "state.git/refs/heads/main").read_bytes() == main
    assert ok(tmp_path, "plan", "--json").json["changes"]  # the draft is still there
