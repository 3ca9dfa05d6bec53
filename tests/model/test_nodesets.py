"""Node sets: ClusterShell's syntax, this site's groups, nothing of the machine's."""

import re
from pathlib import Path

import pytest
from ClusterShell.NodeSet import NodeSet
from ClusterShell.NodeUtils import GroupResolver, GroupSource
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput, NotFound
from kpstore.model.names import check_node_name
from kpstore.model.nodesets import canonical, expand, fold, less, members

GROUPS = {"rack1": "n[001-003]", "both": "@rack1,m1", "empty": "", "loop": "@loop"}


def test_sets_and_groups_of_groups() -> None:
    assert expand(["n[1-2],@rack1"], GROUPS) == ["n1", "n2", "n001", "n002", "n003"]
    assert expand(["@both!@rack1"], GROUPS) == ["m1"]
    assert expand(["n1", "n2"], {}) == ["n1", "n2"]


def test_folding_is_the_inverse() -> None:
    assert fold(["n003", "n001", "n002"]) == "n[001-003]"
    assert members("n[001-003]", {}) == {"n001", "n002", "n003"}
    assert members("  ", {}) == frozenset()


def test_an_unknown_group_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(NotFound, match="'rck1'") as caught:
        expand(["@rck1"], GROUPS)
    assert caught.value.hint == "did you mean 'rack1'?"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@empty",
        "@rack1-@rack1",
        "n[1-",
        "@slurm:gpu",
        "n*",
        "@*",
        "@loop",
        "N1",
        "a b",
        "n1;rm",
    ],
)
def test_what_is_empty_or_broken_or_external_is_refused(text: str) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        expand([text], GROUPS)


def test_the_machines_own_clustershell_configuration_is_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its groups may run shell commands."""
    ran = tmp_path / "ran"
    conf = tmp_path / "clustershell"
    conf.mkdir()
    (conf / "groups.conf").write_text(
        f"[Main]\ndefault: evil\n[evil]\nmap: touch {ran}\nall: touch {ran}\n"
    )
    monkeypatch.setenv("CLUSTERSHELL_CFGDIR", str(conf))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(NotFound):
        expand(["@anything"], {})
    assert not ran.exists()


# --- held against ClusterShell itself


class _Groups(GroupSource):
    """The same groups, as ClusterShell resolves them."""

    def __init__(self) -> None:
        super().__init__("kp", groups=None, allgroups=None)

    def resolv_map(self, group: str) -> str:
        return GROUPS[group]


def clustershell(text: str) -> list[str]:
    resolver = GroupResolver(default_source=_Groups())
    return [str(name) for name in NodeSet(text, resolver=resolver)]


NUMBERS = st.integers(0, 12).map(str) | st.sampled_from(["00", "01", "007", "010"])


@st.composite
def ranges(draw: st.DrawFn) -> str:
    first, last = draw(NUMBERS), draw(NUMBERS)
    if draw(st.booleans()):
        return first
    padded = any(each[0] == "0" and len(each) > 1 for each in (first, last))
    if int(first) > int(last) or (padded and len(first) != len(last)):
        first, last = "01", "09"
    return f"{first}-{last}" + draw(st.sampled_from(["", "/1", "/3"]))


BRACKETS = st.lists(ranges(), min_size=1, max_size=3).map(lambda r: f"[{','.join(r)}]")
PATTERNS = st.one_of(
    st.builds("{}{}".format, st.sampled_from("ab"), BRACKETS),
    st.builds("{}{}-ib{}".format, st.sampled_from("ab"), BRACKETS, NUMBERS),
    st.builds("{}{}x{}".format, st.sampled_from("ab"), BRACKETS, BRACKETS),
    st.builds("a1{}".format, st.sampled_from(["[0-9]", "[2,5-7]", "[01-12]"])),
    st.builds("a{}0".format, st.sampled_from(["[0-9]", "[8-12]", "[1,3-5]"])),
    st.sampled_from(["@rack1", "@both", "a", "a1", "b007", " a2 "]),
)


@given(PATTERNS, st.lists(st.tuples(st.sampled_from(",!&^"), PATTERNS), max_size=4))
def test_a_set_means_what_clustershell_means(
    first: str, more: list[tuple[str, str]]
) -> None:
    text = first + "".join(f"{operator}{each}" for operator, each in more)
    expected = clustershell(text)
    assert members(text, GROUPS) == set(expected)
    if expected:
        found = expand([text], GROUPS)
        assert set(found) == set(clustershell(fold(found))) == set(expected)
        if all(len(re.findall(r"[0-9]+", name)) < 2 for name in found):
            # With two numbers a name, it goes by how ClusterShell folds the whole.
            assert found == expected
        assert expand([fold(found)], {}) == found
        assert canonical(fold(found), {}) == fold(found)


@given(st.sets(st.builds("{}{}".format, st.sampled_from("ab"), NUMBERS), min_size=1))
def test_names_with_one_number_fold_as_clustershell_folds_them(names: set[str]) -> None:
    assert fold(names) == str(NodeSet.fromlist(sorted(names), resolver=GroupResolver()))


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ([f"r{r}n{n}" for r in range(1, 4) for n in range(1, 9)], "r[1-3]n[1-8]"),
        (["r1n1", "r1n2", "r2n1"], "r1n[1-2],r2n1"),
        (["n1-ib0", "n2-ib0"], "n[1-2]-ib0"),
        (["a", "b1"], "a,b1"),
        ([], ""),
    ],
)
def test_names_with_several_numbers(names: list[str], folded: str) -> None:
    assert fold(names) == folded


def test_folding_many_irregular_names_takes_no_minutes() -> None:
    """ClusterShell takes 13 s for 1,000 of them, and the square of it for more."""
    names = [f"r{n * 7919 % 1000}n{n * 104729 % 1009}" for n in range(20_000)]
    assert members(fold(names), {}) == set(names)


# --- how much there may be

MOST = {"all": "n[1-1000000]", "half": "n[1-500000]", "most": "@all!n7"}
DEEP = {"g0": "n1", **{f"g{n}": f"@g{n - 1},@g{n - 1}" for n in range(1, 200)}}


@pytest.mark.parametrize(
    "text",
    [
        "n[1-99999999]",
        "n[1-999999999999999999999999999999]",
        "n[0-1000000]",
        "n[0-3000000/2]",
        "n[1-1001]x[1-1000]",
        "n[1-10000]x[1-10000]x[1-10000]",
        "@g[1-99999999]",
        "n[1-1000000]!n[1-999999]!n[1-999999]",
        ",".join(["n[1-400000]"] * 6),
        "@all,@half,@all",
        "@all,m[1-1000]",
    ],
)
def test_more_nodes_than_there_may_be_are_refused_before_they_are_named(
    text: str,
) -> None:
    with pytest.raises(InvalidInput, match="names more than 1,000,000 nodes") as caught:
        expand([text], MOST)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("n[1-1000000]", 1_000_000),
        ("n[0-1999999/2]", 1_000_000),
        ("@all!n[1-999990]", 10),
        ("@most&n[1-9]", 8),
        ("r[1-1000]n[1-100]", 100_000),
        ("@g40", 1),
    ],
)
def test_what_there_may_be_is_taken(text: str, number: int) -> None:
    assert len(expand([text], MOST | DEEP)) == number


@pytest.mark.parametrize("text", ["@g199", "@loop", "@g[190-199]"])
def test_groups_too_deep_in_each_other_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"names (itself|too many groups)"):
        expand([text], GROUPS | DEEP)


# --- what is special to ClusterShell, or nothing at all


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@@", "names the groups themselves"),
        ("@@kp", "names the groups themselves"),
        ("n1,@@", "names the groups themselves"),
        ("@*", "wildcard"),
        ("n?", "wildcard"),
        ("*", "wildcard"),
        ("@slurm:gpu", "external group source"),
        ("@kp:rack1", "external group source"),
        ("@kp:*", "external group source"),
        ("@", "group ''"),
        ("@rack1x y", "group 'rack1x y'"),
        ("n%s", "not a node name"),
        ("n{1,2}", "not a node name"),
        ("n{1..3}", "not a node name"),
        ("$(id)", "not a node name"),
        ("n1\nn2", "not a node name"),
        ("n\x00", "not a node name"),
        ("n[a-c]", "is no range"),
        ("n[]", "is no range"),
        ("n[1-]", "is no range"),
        ("n[-1-2]", "is no range"),
        ("n[1-2-3]", "is no range"),
        ("n[1/2]", "is no range"),
        ("n[\u0661-\u0663]", "is no range"),
        ("n[1-3/0]", "runs backwards"),
        ("n[3-1]", "runs backwards"),
        ("n[01-100]", "same digits"),
        ("n[1-2", "without its like"),
        ("n1-2]", "without its like"),
        ("n[[1-2]]", "without its like"),
        ("n1[0-10]", "a digit before numbers of different lengths"),
        ("n1[0-9,10]", "a digit before numbers of different lengths"),
        (",n1", "is missing"),
        ("n1,,n2", "is missing"),
        ("n1!", "is missing"),
        (" , ", "is missing"),
        (f"n[{'9' * 5000}]", "is no range"),
        ("n" * 70, "not a node name"),
    ],
)
def test_anything_else_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        expand([text], GROUPS)
    assert says in caught.value.message
    assert caught.value.hint


@given(st.text(alphabet="na019[]-/,!&^@:*%{} \n", max_size=12))
def test_any_text_is_a_set_or_refused(text: str) -> None:
    try:
        names = expand([text], GROUPS)
    except (InvalidInput, NotFound):
        return
    assert all(check_node_name(name) for name in names)


# --- as a group keeps it


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("n001,n002\n", "n[001-002]"),
        (" n2 , n1 ", "n[1-2]"),
        ("n[1-9]!n5", "n[1-4,6-9]"),
        ("@rack1 , m1\n", "@rack1,m1"),
        ("@both!@rack1", "@both!@rack1"),
    ],
)
def test_a_set_is_kept_folded(text: str, kept: str) -> None:
    assert canonical(text, GROUPS) == kept
    assert members(kept, GROUPS) == members(text, GROUPS)


NAMES = [f"n{number}" for number in range(6)] + ["r1n1", "r1n2", "r2n1"]
TERMS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map(fold)
SETS = st.lists(
    st.tuples(st.sampled_from(",!&^"), TERMS | st.sampled_from(["@low", "@high"])),
    min_size=1,
    max_size=5,
).map(lambda parts: "".join("".join(part) for part in parts)[1:])


@given(text=SETS, low=TERMS, high=TERMS, gone=st.sets(st.sampled_from(NAMES)))
def test_a_set_less_some_names_has_the_rest(
    text: str, low: str, high: str, gone: set[str]
) -> None:
    before = members(text, {"low": low, "high": high})
    groups = {"low": less(low, gone), "high": less(high, gone)}
    assert members(less(text, gone), groups) == before - gone
    assert ("@" in less(text, gone)) <= ("@" in text)
