import io
from collections.abc import Callable

import pytest

from kpstore.formats import samples as make
from kpstore.formats.initrd import InitrdFacts, read_initrd
from kpstore.formats.kernel import KernelFacts, read_kernel
from kpstore.formats.modules import ModulesFacts
from kpstore.kernels.checks import Problem, check_set, missing_firmware, missing_modules

RELEASE = "6.1.0-56-amd64"
MODULES = ModulesFacts("6.1", frozenset({"snd_hda"}), frozenset({"ext4"}), True)
INITRD = InitrdFacts(
    frozenset({"6.1"}),
    ("gzip",),
    9,
    modules=frozenset({"nvme"}),
    firmware=frozenset({"qla/a.bin"}),
)


def kernel(data: bytes = b"") -> KernelFacts:
    return read_kernel(io.BytesIO(data or make.bzimage(RELEASE)))


def initrd(data: bytes) -> InitrdFacts:
    return read_initrd(io.BytesIO(data))


def modules(release: str = RELEASE, *, indexed: bool = True) -> ModulesFacts:
    return ModulesFacts(release, frozenset({"e1000"}), frozenset(), indexed)


def test_a_set_that_fits() -> None:
    both = {"early": initrd(make.microcode()), "initrd": initrd(make.initrd(RELEASE))}
    assert check_set(kernel(), both, modules()) == []
    assert check_set(kernel(), {}, None) == []


def test_an_initrd_of_another_release_is_refused_by_name() -> None:
    (problem,) = check_set(kernel(), {"i.img": initrd(make.initrd("5.10.0"))}, None)
    assert problem == Problem(
        f"initrd i.img carries modules of 5.10.0, the kernel is {RELEASE}",
        "--force-mismatch",
    )
    assert problem.stops


def test_further_releases_in_an_initrd_are_fine() -> None:
    both = make.initrd("5.10.0") + make.initrd(RELEASE)
    assert check_set(kernel(), {"initrd": initrd(both)}, None) == []


def test_modules_of_another_release_are_refused_by_name() -> None:
    (problem,) = check_set(kernel(), {}, modules("5.10.0"))
    assert problem.text == f"the modules are of 5.10.0, the kernel is {RELEASE}"
    assert problem.override == "--force-mismatch"


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (initrd(make.initrd(None)), "initrd small carries no modules"),
        (InitrdFacts.unread(9, "lz4"), "initrd small is not checked: lz4"),
    ],
)
def test_notes_stop_nothing(facts: InitrdFacts, says: str) -> None:
    (note,) = check_set(kernel(), {"small": facts}, None)
    assert note.text == says and not note.stops


def test_modules_without_their_index_are_noted_after_refusals() -> None:
    first, second = check_set(kernel(), {}, modules("5.0", indexed=False))
    assert first.stops and not second.stops
    assert "depmod" in second.text


@pytest.mark.parametrize(
    ("arch", "stops"), [("x86_64", True), ("i386", True), ("ppc64le", False)]
)
def test_a_bare_vmlinux_boots_on_some_architectures_only(
    arch: str, stops: bool
) -> None:
    problems = check_set(kernel(make.elf(RELEASE, arch)), {}, None)
    assert [problem.stops for problem in problems] == [True] * stops


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (make.unified(RELEASE), "objcopy"),
        *[
            (pack(make.bzimage(RELEASE)), f"packed once more, by {name}")
            for name, pack in make.COMPRESSORS.items()
        ],
    ],
)
def test_kernels_in_a_wrapper_that_no_loader_opens(data: bytes, says: str) -> None:
    (problem,) = check_set(kernel(data), {}, None)
    assert problem.stops and says in problem.text


@pytest.mark.parametrize("pack", make.COMPRESSORS.values())
def test_a_packed_image_of_arm_is_taken(pack: Callable[[bytes], bytes]) -> None:
    assert check_set(kernel(pack(make.raw_image(RELEASE))), {}, None) == []


def test_modules_may_be_files_built_in_or_packed() -> None:
    assert missing_modules(["snd-hda", "ext4", "nvme"], MODULES, [INITRD]) == ()
    assert missing_modules(["nvme", "my-nic", "ext4"], MODULES) == ("nvme", "my-nic")
    assert missing_modules(["ext4"], None) == ("ext4",)
    assert missing_modules([], None) == ()


def test_firmware_may_be_in_the_image_or_the_initrd() -> None:
    assert missing_firmware(["b.bin", "qla/a.bin"], {"b.bin"}, [INITRD]) == ()
    assert missing_firmware(["b.bin", "c.bin"], {"b.bin"}, [INITRD]) == ("c.bin",)
