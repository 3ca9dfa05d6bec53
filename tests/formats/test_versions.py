"""Versions in the order of the UAPI group's specification, and of rpm."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.formats.versions import compare, rpm_key, version_key

SIGNS = {"<": -1, "==": 0, ">": 1}

# The specification's own examples.
PUBLISHED = """
11 == 11
systemd-123 == systemd-123
bar-123 < foo-123
123a > 123
123.a > 123
123.a < 123.b
123a > 123.a
11\u03b1 == 11\u03b2
A < a
B < a
'' < 0
0. > 0
0.0 > 0
0 > ~
'' > ~
1_ == 1
_1 == 1
1_ < 1.2
1_2_3 > 1.3.3
1+ == 1
+1 == 1
1+ < 1.2
1+2+3 > 1.3.3
"""
IN_ORDER = """
122.1 123~rc1-1 123 123-a 123-a.1 123-1 123-1.1 123^post1 123.a-1 123.1-1 123a-1 124-1
"""

VERSIONS = st.text("0129aZ~-^._+ \u03b1", max_size=12)


@pytest.mark.parametrize("line", PUBLISHED.strip().splitlines())
def test_the_examples_of_the_specification(line: str) -> None:
    a, sign, b = ("" if word == "''" else word for word in line.split())
    assert compare(a, b) == SIGNS[sign]
    assert compare(b, a) == -SIGNS[sign]


def test_the_specification_s_longest_example() -> None:
    versions = IN_ORDER.split()
    for older, newer in itertools.combinations(versions, 2):
        assert compare(older, newer) == -1
    assert sorted(set(versions), key=version_key) == versions


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("6.1.0-9-amd64", "6.1.0-18-amd64"),
        ("5.14.0-70.13.1.el9_0.x86_64", "5.14.0-70.30.1.el9_0.x86_64"),
        ("6.5.6-300.fc39.x86_64", "6.11.4-100.fc39.x86_64"),
        ("6.9.9-arch1-1", "6.10.0-arch1-2"),
        ("9" * 5000, "1" + "0" * 5000),
    ],
)
def test_kernels_of_distributions(older: str, newer: str) -> None:
    assert compare(older, newer) == -1
    assert rpm_key(older) < rpm_key(newer)


@given(a=VERSIONS, b=VERSIONS)
def test_each_is_equal_to_itself_and_two_are_the_other_way_round(a: str, b: str):
    assert compare(a, a) == 0
    assert compare(a, b) == -compare(b, a)


# Out of rpm's own tests (rpmvercmp.at), without what GRUB's copy is too old for.
@pytest.mark.parametrize(
    ("a", "sign", "b"),
    [
        ("1.0", "==", "1.0"),
        ("2.0", "<", "2.0.1"),
        ("2.0.1a", ">", "2.0.1"),
        ("5.5p1", "<", "5.5p10"),
        ("10xyz", "<", "10.1xyz"),
        ("xyz.4", "<", "8"),
        ("6.0.rc1", ">", "6.0"),
        ("10b2", ">", "10a1"),
        ("1.0a", "<", "1.0aa"),
        ("10.0001", "==", "10.1"),
        ("4.999.9", "<", "5.0"),
        ("2_0", "==", "2.0"),
        ("1.0~rc1", "<", "1.0"),
        ("1.0~rc1", "<", "1.0~rc2"),
        ("1.0~rc1~git123", "<", "1.0~rc1"),
        ("1.0", "<", "1.0+a"),
        ("1.0+a", "<", "1.0a"),
        ("1.0+a", "<", "1.0.1"),
        ("el9.x86_64", "<", "el9.x86_64+debug"),
    ],
)
def test_rpm_s_order(a: str, sign: str, b: str) -> None:
    left, right = rpm_key(a), rpm_key(b)
    assert (left > right) - (left < right) == SIGNS[sign]
