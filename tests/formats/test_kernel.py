import io
import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.formats import samples as make
from kpstore.formats.kernel import KernelFacts, read_kernel
from support.imagetree import s390_image

RELEASE = "6.1.0-56-amd64"


def read(data: bytes, limit: int = 1 << 24) -> KernelFacts:
    return read_kernel(io.BytesIO(data), "vmlinuz", limit=limit)


@pytest.mark.parametrize(
    ("build", "arch", "format", "compression", "efi"),
    [
        (lambda: make.bzimage(RELEASE), "x86_64", "bzimage", "", True),
        (lambda: make.bzimage(RELEASE, "i386"), "i386", "bzimage", "", True),
        (lambda: make.raw_image(RELEASE), "aarch64", "image", "", True),
        (lambda: make.raw_image(RELEASE, "riscv64"), "riscv64", "image", "", True),
        (
            lambda: make.COMPRESSORS["gzip"](make.raw_image(RELEASE)),
            "aarch64",
            "image",
            "gzip",
            False,
        ),
        (lambda: make.zboot(RELEASE), "aarch64", "zboot", "", True),
        (lambda: make.zboot(RELEASE, "zstd"), "aarch64", "zboot", "", True),
        (lambda: make.zboot(RELEASE, "xz"), "aarch64", "zboot", "", True),
        (lambda: make.zboot(RELEASE, "lz4"), "aarch64", "zboot", "", True),
        (
            # the kernel's own build puts the inflated size behind
            lambda: make.lz4(make.raw_image(RELEASE))[:-4] + b"\0\x02\0\0",
            "aarch64",
            "image",
            "lz4",
            False,
        ),
        (lambda: make.unified(RELEASE), "x86_64", "uki", "", True),
        (lambda: s390_image(RELEASE), "s390x", "image", "", False),
        *[
            (lambda arch=arch: make.elf(RELEASE, arch), arch, "elf", "", False)
            for arch in ("i386", "x86_64", "aarch64", "ppc64", "ppc64le", "ia64")
        ],
        (
            lambda: make.COMPRESSORS["gzip"](make.elf(RELEASE, "ia64")),
            "ia64",
            "elf",
            "gzip",
            False,
        ),
    ],
)
def test_reads_every_container(
    build: Callable[[], bytes], arch: str, format: str, compression: str, efi: bool
) -> None:
    facts = read(build())
    assert (facts.release, facts.arch, facts.format) == (RELEASE, arch, format)
    assert (facts.compression, facts.efi) == (compression, efi)
    assert facts.banner == make.banner(RELEASE)
    assert facts.words == {"SMP", "PREEMPT_DYNAMIC"}


def test_command_line_limit_comes_from_the_header() -> None:
    assert read(make.bzimage(RELEASE)).cmdline_limit == 2047
    assert read(make.raw_image(RELEASE)).cmdline_limit is None


@pytest.mark.parametrize("arch", ["i386", "x86_64"])
def test_old_header_asks_the_payload_for_the_architecture(arch: str) -> None:
    packed = make.COMPRESSORS["gzip"](make.elf(RELEASE, arch))
    kernel = make.bzimage("2.6.32-754.el6", "i386", protocol=0x020A, payload=packed)
    assert read(kernel).arch == arch


def test_header_without_a_version_leads_to_the_payload() -> None:
    packed = make.COMPRESSORS["xz"](make.elf("5.4.7-own"))
    kernel = make.bzimage("9.9", payload=packed + b"size", says_release=False)
    assert read(kernel).release == "5.4.7-own"


def test_wrapper_with_a_packed_kernel_inside() -> None:
    inside = make.COMPRESSORS["gzip"](make.elf(RELEASE, "ppc64le"))
    wrapper = make.elf("", "ppc64le", content=b"\x1f\x8b\x08 no stream" + inside)
    assert read(wrapper).release == RELEASE


def test_banner_across_a_piece_of_the_file() -> None:
    image = make.elf("", content=bytes(65536 - 70) + make.elf(RELEASE)[64:])
    assert read(image).release == RELEASE


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no kernel that kp knows"),
        (b"#!/bin/sh\n" * 100, "no kernel that kp knows"),
        (make.initrd(RELEASE), "no kernel that kp knows"),
        (make.module(RELEASE), "no kernel that kp knows"),
        (make.xen("4.17.7"), "names no Linux release"),
        (make.elf("", content=b"nothing"), "names no Linux release"),
        (make.raw_image("../../etc"), "names no Linux release"),
        (make.bzimage("../../etc"), "no release that can be"),
        (b"\x04\x22\x4d\x18" + bytes(100), "lz4"),
        (make.COMPRESSORS["gzip"](make.raw_image(RELEASE))[:-20], "too early"),
    ],
)
def test_refuses_what_is_no_kernel_by_name(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"vmlinuz.*{says}"):
        read(data)


def test_refuses_a_bomb() -> None:
    bomb = make.COMPRESSORS["gzip"](make.raw_image("x")[:512] + bytes(8 << 20))
    with pytest.raises(InvalidInput, match="more than 1000000 bytes"):
        read(bomb, limit=1_000_000)


def arm(length: int, *, beyond: int = 0) -> bytes:
    """An arm64 Image whose EFI stub has its file in two sections, .bss behind."""
    data = bytearray(make.raw_image(RELEASE).ljust(length, b"x"))
    struct.pack_into("<Q", data, 16, 10 * length)  # image_size, in memory
    struct.pack_into("<H", data, 0x80 + 6, 2)
    for at, name, start, end in (
        (0, b".text", 0x1000, length // 2),
        (1, b".data", length // 2, length + beyond),
    ):
        virtual = (end - start) * (1 + at * 9)
        place = 0x80 + 24 + 0xF0 + 40 * at
        fields = (name, virtual, start, end - start, start)
        struct.pack_into("<8sIIII", data, place, *fields)
    return bytes(data)


def loaded(arch: str, length: int) -> bytes:
    """A vmlinux with two segments that are loaded, the last with .bss; notes behind."""
    wide, order = arch not in ("i386",), ">" if arch in ("ppc64", "s390x") else "<"
    data = bytearray(make.elf(RELEASE, arch).ljust(length, b"x"))
    size = 56 if wide else 32
    struct.pack_into(f"{order}{'Q' if wide else 'I'}", data, 32 if wide else 28, 1024)
    struct.pack_into(f"{order}HH", data, 54 if wide else 42, size, 3)
    segments = ((1, 0, 2048, 2048), (1, 2048, length - 2048, length * 9), (4, 64, 9, 9))
    for at, (kind, start, filed, memory) in enumerate(segments):
        wide_fields = (kind, 5, start, 0, 0, filed, memory, 4096)
        fields = (kind, start, 0, 0, filed, memory, 5, 4096)
        form = f"{order}IIQQQQQQ" if wide else f"{order}8I"
        chosen = wide_fields if wide else fields
        struct.pack_into(form, data, 1024 + size * at, *chosen)
    return bytes(data)


@pytest.mark.parametrize(
    "kernel",
    [
        arm(1 << 16),
        arm(1 << 20),  # more than the head that is looked at
        arm(1 << 16)
        .replace(b"ARM\x64", b"RSC\x05")
        .replace(bytes(8) + b"RSC", b"RISCV\0\0\0RSC"),
        *[loaded(arch, 1 << 16) for arch in ("i386", "x86_64", "ppc64", "ppc64le")],
    ],
)
@pytest.mark.parametrize("pack", [bytes, make.COMPRESSORS["gzip"]])
def test_an_image_and_a_vmlinux_that_were_cut_off_are_told(
    kernel: bytes, pack: Callable[[bytes], bytes]
) -> None:
    assert read(pack(kernel)).release == RELEASE
    assert read(pack(kernel + b"a signature")).release == RELEASE
    for missing in (4200, 1 << 15):
        with pytest.raises(InvalidInput, match="vmlinuz: the kernel is cut off"):
            read(pack(kernel[:-missing]))


def test_a_stub_that_rounds_up_is_no_cut() -> None:
    """Linux before 4.13: the last section's size is that of whole pages."""
    assert read(arm(1 << 16, beyond=4095)).release == RELEASE


@pytest.mark.parametrize("name", ["gzip", "xz", "zstd", "bzip2"])
def test_a_packed_kernel_that_was_cut_behind_its_banner_is_told(name: str) -> None:
    noise = random.Random(1).randbytes(1 << 18)
    packed = make.COMPRESSORS[name](make.raw_image(RELEASE) + noise)
    assert read(packed).release == RELEASE
    with pytest.raises(InvalidInput):
        read(packed[:-1000])


@pytest.mark.parametrize(
    "kernel",
    [
        make.bzimage(RELEASE, payload=make.COMPRESSORS["gzip"](make.elf(RELEASE))),
        make.zboot(RELEASE),
        make.unified(RELEASE),
    ],
)
def test_a_kernel_that_was_cut_off_is_told(kernel: bytes) -> None:
    read(kernel)
    for missing in (1, 16, 40):
        with pytest.raises(InvalidInput, match="vmlinuz: the kernel is cut off") as why:
            read(kernel[:-missing])
        assert "copy it again" in why.value.hint


@pytest.mark.parametrize(("missing", "whole"), [(0, True), (15, True), (40, False)])
def test_the_header_counts_what_is_behind_the_payload(
    missing: int, whole: bool
) -> None:
    kernel = bytearray(make.bzimage(RELEASE) + bytes(160))
    kernel[0x1F4] = 10  # syssize, in paragraphs of 16 bytes
    data = bytes(kernel[: len(kernel) - missing])
    if whole:
        assert read(data).release == RELEASE
    else:
        with pytest.raises(InvalidInput, match="cut off"):
            read(data)


SEEDS = [
    make.bzimage(RELEASE, payload=make.COMPRESSORS["gzip"](make.elf(RELEASE))),
    make.bzimage(RELEASE, protocol=0x20A, says_release=False, payload=b"\x1f\x8b\x08"),
    make.raw_image(RELEASE),
    make.zboot(RELEASE),
    make.unified(RELEASE),
    make.elf(RELEASE, "ppc64"),
    make.COMPRESSORS["zstd"](make.raw_image(RELEASE)),
    make.COMPRESSORS["lzma"](make.raw_image(RELEASE)),
]


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(
        st.tuples(st.integers(0, 0x480), st.binary(min_size=1, max_size=8)), max_size=8
    ),
    cut=st.integers(0, 0x1200),
)
def test_mutated_kernels_raise_nothing_but_invalid_input(
    seed: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(seed)
    for offset, piece in changes:
        data[offset : offset + len(piece)] = piece
    try:
        facts = read(bytes(data[: len(data) - cut]))
    except InvalidInput:
        return
    assert facts.release and facts.arch
