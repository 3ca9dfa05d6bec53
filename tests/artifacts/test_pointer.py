import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.artifacts.pointer import decode, encode
from kpstore.errors import CorruptState, InvalidInput

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
EXAMPLE = (  # git-lfs/git-lfs docs/spec.md
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)


def test_the_specifications_example() -> None:
    assert encode(OID, 12345) == EXAMPLE
    assert decode(EXAMPLE) == (OID, 12345)


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**18))
def test_round_trip(digest: bytes, size: int) -> None:
    assert decode(encode(digest.hex(), size)) == (digest.hex(), size)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        EXAMPLE + b"\n",
        EXAMPLE.rstrip(),
        EXAMPLE.replace(b"\n", b"\r\n"),
        EXAMPLE.replace(b"12345", b"012345"),
        EXAMPLE.replace(b"12345", b"0"),
        EXAMPLE.replace(b"sha256:4d", b"sha256:4D"),
        EXAMPLE.replace(b"git-lfs.github", b"hawser.github"),
        EXAMPLE.replace(b"size", b"ext-0-x y\nsize"),
    ],
)
def test_anything_else_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptState):
        decode(data)


@pytest.mark.parametrize(("sha256", "size"), [("xy", 1), (OID, 0), (OID.upper(), 1)])
def test_no_pointer_for_what_no_artifact_is(sha256: str, size: int) -> None:
    with pytest.raises(InvalidInput):
        encode(sha256, size)


@pytest.mark.system
def test_git_lfs_writes_the_same(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"kernel")
    shown = subprocess.run(
        ["git-lfs", "pointer", "--file=f"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert shown.stdout == encode(hashlib.sha256(b"kernel").hexdigest(), 6)
