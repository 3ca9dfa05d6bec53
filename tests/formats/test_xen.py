import io

import pytest

from kpstore.errors import InvalidInput
from kpstore.formats import samples as make
from kpstore.formats import xen
from kpstore.formats.xen import XenFacts, read_xen


@pytest.mark.parametrize(("packed", "compression"), [(True, "gzip"), (False, "")])
def test_facts(packed: bool, compression: str) -> None:
    data = make.xen("4.17.7+13-g2445b30a44-0+deb12u1", packed=packed)
    assert read_xen(io.BytesIO(data)) == XenFacts(
        "4.17.7+13-g2445b30a44-0+deb12u1", "x86_64", "elf", compression
    )


def test_a_version_that_is_no_text_there() -> None:
    assert read_xen(io.BytesIO(make.xen(".3"))).version == ""


@pytest.mark.parametrize(
    "data", [b"", b"text", make.bzimage("6.1"), make.xen("4.17.7")[:-12]]
)
def test_what_is_no_hypervisor(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"xen\.gz"):
        read_xen(io.BytesIO(data), "xen.gz")


def test_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xen, "MAX_XEN", 1000)
    bomb = make.COMPRESSORS["gzip"](bytes(5000))
    with pytest.raises(InvalidInput, match="when inflated"):
        read_xen(io.BytesIO(bomb))
