import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpstore.disk.beneath import Beneath
from kpstore.errors import CorruptState, KpError, Refused
from kpstore.formats import samples as make
from kpstore.formats.module_tar import Packing, unpack

RELEASE = "6.1.0-56-amd64"
REL = f"lib/modules/{RELEASE}"


def grow(root: Path) -> Path:
    for path, content in make.module_files(RELEASE).items():
        place = root / REL / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def pack(root: Path) -> bytes:
    with Beneath.open(root) as tree:
        return b"".join(Packing(tree, REL).chunks())


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Path]:
    yield grow(tmp_path / "image")


def members(data: bytes) -> dict[str, tuple[str, bytes | str]]:
    return {
        member.path: (member.kind, b"".join(member.pieces) or member.target)
        for member in unpack(io.BytesIO(data), RELEASE)
    }


def test_round_trip(image: Path) -> None:
    (image / REL / "kernel/link.ko").symlink_to("e1000.ko")
    name = "kernel/" + "d" * 120 + "/" + "m" * 120 + ".ko"
    (image / REL / name).parent.mkdir()
    (image / REL / name).write_bytes(b"long name")
    found = members(pack(image))
    for path, content in make.module_files(RELEASE).items():
        assert found[path] == ("file", content)
    assert found["kernel/link.ko"] == ("link", "e1000.ko")
    assert found[name] == ("file", b"long name")
    assert found["kernel"][0] == "directory"


def test_equal_trees_have_equal_bytes(image: Path, tmp_path: Path) -> None:
    other = grow(tmp_path / "other")
    for place in sorted(other.rglob("*"), reverse=True):
        os.utime(place, (5, 5))
        place.chmod(0o700 if place.is_dir() else 0o600)
    assert pack(image) == pack(other)


def test_tar_reads_it(image: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    subprocess.run(
        ["tar", "-C", str(tmp_path / "out"), "-xf", "-"], input=pack(image), check=True
    )
    place = tmp_path / "out" / RELEASE / "kernel/e1000.ko"
    assert place.read_bytes() == make.module(RELEASE)
    assert place.stat().st_mode & 0o777 == 0o644


def test_links_that_lead_out_are_dropped_and_named(image: Path) -> None:
    (image / REL / "build").symlink_to("/usr/src/linux")
    (image / REL / "source").symlink_to("build")
    (image / REL / "extra.ko").symlink_to("/lib/modules/5.0/extra.ko")
    (image / REL / "up").symlink_to("../5.0")
    with Beneath.open(image) as tree:
        packing = Packing(tree, REL)
        found = members(b"".join(packing.chunks()))
    assert not {"build", "source", "extra.ko", "up"} & set(found)
    assert packing.dropped == (
        f"{REL}/extra.ko -> /lib/modules/5.0/extra.ko",
        f"{REL}/up -> ../5.0",
    )


def test_a_fifo_is_refused(image: Path) -> None:
    os.mkfifo(image / REL / "pipe.ko")
    with pytest.raises(Refused, match=r"pipe\.ko"):
        pack(image)


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_file_that_changes_meanwhile_is_refused(image: Path, size: int) -> None:
    with Beneath.open(image) as tree:
        packing = Packing(tree, REL)
        with (image / REL / "kernel/nfs.ko").open("r+b") as file:
            file.truncate(size)
        with pytest.raises(Refused, match=r"nfs\.ko changed"):
            b"".join(packing.chunks())


def hostile(*infos: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for each in (info(RELEASE, tarfile.DIRTYPE), *infos):
            archive.addfile(each)
    return out.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize(
    "infos",
    [
        [info("/etc/passwd")],
        [info("9.9/a.ko")],
        [info(f"{RELEASE}/../../etc/passwd")],
        [info(f"{RELEASE}/./a.ko")],
        [info(f"{RELEASE}//a.ko")],
        [info(f"{RELEASE}/no/parent.ko")],
        [info(f"{RELEASE}/a.ko"), info(f"{RELEASE}/a.ko")],
        [info(f"{RELEASE}/a.ko"), info(f"{RELEASE}/a.ko/b")],
        [info(f"{RELEASE}/l", tarfile.SYMTYPE, "/etc")],
        [info(f"{RELEASE}/l", tarfile.SYMTYPE, "../..")],
        [info(f"{RELEASE}/l", tarfile.SYMTYPE, "")],
        [info(f"{RELEASE}/l", tarfile.SYMTYPE, "d"), info(f"{RELEASE}/l/x")],
        [info(f"{RELEASE}/h", tarfile.LNKTYPE, f"{RELEASE}/x")],
        [info(f"{RELEASE}/f", tarfile.FIFOTYPE)],
        [info(f"{RELEASE}/c", tarfile.CHRTYPE)],
    ],
)
def test_hostile_archives_are_corrupt(infos: list[tarfile.TarInfo]) -> None:
    with pytest.raises(CorruptState):
        members(hostile(*infos))


@settings(max_examples=200, deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=8)), max_size=6
    ),
    cut=st.integers(0, 4000),
    again=st.booleans(),
)
def test_mutated_archives_raise_nothing_but_kps_errors(
    changes: list[tuple[int, bytes]], cut: int, again: bool
) -> None:
    data = bytearray(
        hostile(info(f"{RELEASE}/a"), info(f"{RELEASE}/l", tarfile.SYMTYPE, "a"))
    )
    for offset, piece in changes:
        data[offset : offset + len(piece)] = piece
    data = data[: max(0, len(data) - cut)]
    if again:  # a header whose checksum is right again
        data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    try:
        for path in members(bytes(data)):
            assert ".." not in path.split("/") and not path.startswith("/")
    except KpError:
        pass


@pytest.mark.parametrize("text", ["../../../opt/k", "/opt/k"])
def test_what_a_link_leads_to_within_the_image_is_packed(
    image: Path, text: str
) -> None:
    place = image / "opt/k/drivers"
    place.mkdir(parents=True)
    (image / "opt/k/README").write_bytes(b"no module")
    (image / "opt/k/empty").mkdir()
    (place / "a.ko").write_bytes(make.module("5.0"))
    (image / "opt/k/text.ko").write_bytes(b"root:!:1::::::")
    (place / "b.ko").symlink_to("a.ko")
    (place / "up").symlink_to("..")
    (image / REL / "extra").symlink_to(text)
    (image / REL / "c.ko").symlink_to(f"/{REL}/kernel/e1000.ko")
    with Beneath.open(image) as tree:
        packing = Packing(tree, REL)
        found = members(b"".join(packing.chunks()))
        plain = Packing(tree, REL, follow=False)
        before = members(b"".join(plain.chunks()))
    assert packing.followed and not packing.dropped
    assert len(plain.dropped) == 2 and not plain.followed
    assert {path: found[path] for path in set(found) - set(before)} == {
        "extra": ("directory", ""),
        "extra/drivers": ("directory", ""),
        "extra/drivers/a.ko": ("file", make.module("5.0")),
        "extra/drivers/b.ko": ("file", make.module("5.0")),
        "c.ko": ("file", make.module(RELEASE)),
    }


def test_no_link_leads_out_of_the_image(image: Path, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host/secret.ko").write_bytes(make.module("the server's own"))
    for at, text in enumerate((str(tmp_path / "host"), "../../../../host")):
        (image / REL / f"link{at}").symlink_to(text)
        (image / REL / f"link{at}.ko").symlink_to(f"{text}/secret.ko")
    with Beneath.open(image) as tree:
        packing = Packing(tree, REL)
        assert len(packing.dropped) == 4
        assert b"the server's own" not in b"".join(packing.chunks())
