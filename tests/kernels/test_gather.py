"""Loose files become a kernel, or are refused by name."""

import os
from pathlib import Path

import pytest

from kpstore.artifacts.store import ArtifactStore
from kpstore.errors import InvalidInput, NotFound, Refused
from kpstore.formats import samples as make
from kpstore.kernels.gather import Gathered, Needs
from kpstore.kernels.origins.files import KernelFiles
from kpstore.model import bounds
from kpstore.model.documents import KernelConfig
from support.imagetree import fill
from support.taking import gather_files, gather_hypervisor

RELEASE = "6.1.0-13-amd64"
OTHER = "6.6.8"
X86 = Needs("x86_64")


class Desk:
    """Files on the administrator's machine, and a store to put them into."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.store = ArtifactStore(where / "objects")

    def file(self, name: str, data: bytes | str) -> Path:
        path = self.where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def kernel(self, release: str = RELEASE) -> Path:
        return self.file(f"vmlinuz-{release}", make.bzimage(release))

    def initrd(self, release: str | None = RELEASE) -> Path:
        return self.file(f"initrd-{release}", make.initrd(release))

    def modules(self, release: str = RELEASE, place: str = "lib/modules") -> Path:
        folder = self.where / place / release
        fill(folder, make.module_files(release))
        return folder

    def stored(self) -> int:
        return len(list(self.store))

    def gather(
        self, files: KernelFiles, needs: Needs = X86, *, force: bool = False
    ) -> Gathered:
        return gather_files(self.store, files, needs, force_mismatch=force)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_whole_kernel(desk: Desk) -> None:
    read: list[int] = []
    files = KernelFiles(
        kernel=desk.kernel(),
        initrds=[desk.initrd()],
        modules=desk.modules(),
        system_map=desk.file("System.map", "ffff T _text\n"),
        config=desk.file("config", make.config(dom0=True)),
    )
    gathered = gather_files(desk.store, files, X86, progress=read.append)
    kernel = gathered.kernel
    assert gathered.notes == ()
    assert (kernel.kind, kernel.release, kernel.arch) == ("linux", RELEASE, "x86_64")
    assert kernel.features["xen_dom0"] == "yes"
    assert kernel.features["smp"] == "yes"
    assert kernel.origin.kind == "files"
    assert kernel.origin.detail["kernel"] == str(files.kernel)
    assert kernel.origin.detail["initrd.0"] == str(files.initrds[0])
    vmlinuz = desk.store.path(kernel.artifacts.vmlinuz.sha256)
    assert vmlinuz.read_bytes() == make.bzimage(RELEASE)
    assert kernel.artifacts.modules
    refs = [kernel.artifacts.vmlinuz, *kernel.artifacts.initrd]
    refs += [kernel.artifacts.modules, kernel.artifacts.system_map]
    refs += [kernel.artifacts.config]
    assert all(ref and desk.store.has(ref.sha256, ref.size) for ref in refs)
    assert sum(read) == sum(ref.size for ref in refs if ref)
    assert KernelConfig.model_validate_json(kernel.model_dump_json()) == kernel


def test_the_same_files_are_the_same_kernel(desk: Desk) -> None:
    files = KernelFiles(desk.kernel(), [desk.initrd()], desk.modules())
    assert desk.gather(files) == desk.gather(files)
    assert desk.stored() == 3


def test_a_kernel_alone_tells_what_it_can(desk: Desk) -> None:
    kernel = desk.gather(KernelFiles(desk.kernel())).kernel
    assert kernel.features == {"smp": "yes", "preempt_dynamic": "yes"}
    assert kernel.artifacts.initrd == ()
    assert kernel.artifacts.modules is None


@pytest.mark.parametrize("place", ["lib/modules", "usr/lib/modules", "."])
def test_modules_are_found_below_what_is_given(desk: Desk, place: str) -> None:
    folder = desk.modules(RELEASE, f"given/{place}")
    desk.modules(OTHER, f"given/{place}")
    given = KernelFiles(desk.kernel(), modules=desk.where / "given")
    assert desk.gather(given) == desk.gather(given)
    direct = desk.gather(KernelFiles(desk.kernel(), modules=folder))
    assert direct.kernel.artifacts == desk.gather(given).kernel.artifacts


def test_modules_of_another_release_only(desk: Desk) -> None:
    desk.modules(OTHER, "given/lib/modules")
    with pytest.raises(NotFound, match=RELEASE):
        desk.gather(KernelFiles(desk.kernel(), modules=desk.where / "given"))
    with pytest.raises(NotFound, match="nowhere"):
        desk.gather(KernelFiles(desk.kernel(), modules=desk.where / "nowhere"))
    assert desk.stored() == 0


@pytest.mark.parametrize("what", ["initrd", "modules"])
def test_a_mismatch_is_refused_by_name_and_may_be_forced(desk: Desk, what: str) -> None:
    files = {
        "initrd": KernelFiles(desk.kernel(), [desk.initrd(OTHER)]),
        "modules": KernelFiles(desk.kernel(), modules=desk.modules(OTHER)),
    }[what]
    with pytest.raises(Refused, match=OTHER) as refusal:
        desk.gather(files)
    assert RELEASE in refusal.value.message
    assert "--force-mismatch" in refusal.value.hint
    assert desk.stored() == 0
    gathered = desk.gather(files, force=True)
    assert gathered.kernel.release == RELEASE
    assert any(OTHER in note for note in gathered.notes)


def test_forced_modules_are_packed_for_the_kernel_that_asks_for_them(
    desk: Desk,
) -> None:
    fill(desk.where / "built", make.module_files(RELEASE))
    files = KernelFiles(desk.kernel(), modules=desk.where / "built")
    forced = desk.gather(files, force=True).kernel.artifacts.modules
    plain = KernelFiles(desk.kernel(), modules=desk.modules())
    assert forced == desk.gather(plain).kernel.artifacts.modules


def test_what_is_no_initrd_is_refused_and_may_be_forced(desk: Desk) -> None:
    files = KernelFiles(desk.kernel(), [desk.file("readme", "not an initrd")])
    with pytest.raises(InvalidInput, match="readme is no initrd") as refusal:
        desk.gather(files)
    assert "--force-mismatch" in refusal.value.hint
    assert desk.stored() == 0
    assert desk.gather(files, force=True).kernel.artifacts.initrd[0].size == 13


@pytest.mark.parametrize("force", [False, True])
def test_another_architecture_is_never_taken(desk: Desk, *, force: bool) -> None:
    arm = KernelFiles(desk.file("Image", make.raw_image(RELEASE)))
    with pytest.raises(InvalidInput, match="is for aarch64, the image is x86_64"):
        desk.gather(arm, force=force)
    assert desk.stored() == 0
    assert desk.gather(arm, Needs("aarch64")).kernel.arch == "aarch64"


@pytest.mark.parametrize(
    "data", [b"", b"text", b"\x7fELF", make.initrd(RELEASE), os.urandom(4096)]
)
def test_what_is_no_kernel_is_refused(desk: Desk, data: bytes) -> None:
    with pytest.raises(InvalidInput, match="given"):
        desk.gather(KernelFiles(desk.file("given", data)))
    assert desk.stored() == 0


def test_a_bare_vmlinux_is_refused(desk: Desk) -> None:
    files = KernelFiles(desk.file("vmlinux", make.elf(RELEASE, "x86_64")))
    with pytest.raises(Refused, match="bare vmlinux"):
        desk.gather(files)


def test_fifos_are_not_waited_for(desk: Desk) -> None:
    os.mkfifo(desk.where / "fifo")
    with pytest.raises(Refused, match="not a regular file"):
        desk.gather(KernelFiles(desk.where / "fifo"))


def test_more_initrds_than_may_be(desk: Desk) -> None:
    most = [desk.initrd()] * bounds.INITRDS
    assert desk.gather(KernelFiles(desk.kernel(), most)).kernel.artifacts.initrd
    with pytest.raises(InvalidInput, match="65 initrds, 64 at most"):
        desk.gather(KernelFiles(desk.kernel(), [*most, desk.initrd()]))


def test_a_missing_file_is_named(desk: Desk) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        desk.gather(KernelFiles(desk.kernel(), [desk.where / "nothing"]))
    assert str(missing.value.filename) == str(desk.where / "nothing")


def test_what_the_image_requires_must_be_there(desk: Desk) -> None:
    files = KernelFiles(desk.kernel(), modules=desk.modules())
    needs = Needs("x86_64", ["e1000", "ext4"], ["amd-ucode.bin"], frozenset())
    with pytest.raises(Refused, match=r"firmware amd-ucode\.bin"):
        desk.gather(files, needs)
    with pytest.raises(Refused, match="module mlx5-core"):
        desk.gather(files, Needs("x86_64", ["mlx5-core"]))
    has = Needs("x86_64", ["e1000"], ["amd-ucode.bin"], frozenset({"amd-ucode.bin"}))
    assert desk.gather(files, has).kernel.release == RELEASE


def test_links_that_lead_out_of_the_modules_are_noted(desk: Desk) -> None:
    folder = desk.modules()
    (folder / "build").symlink_to("/usr/src/linux")
    (folder / "evil.ko").symlink_to("../../../etc/passwd")
    gathered = desk.gather(KernelFiles(desk.kernel(), modules=folder))
    assert [note for note in gathered.notes if "evil.ko" in note]
    assert not [note for note in gathered.notes if "build" in note]


def test_modules_without_an_index_are_noted(desk: Desk) -> None:
    folder = desk.modules()
    (folder / "modules.dep").unlink()
    gathered = desk.gather(KernelFiles(desk.kernel(), modules=folder))
    assert any("modules.dep" in note for note in gathered.notes)


def test_odd_file_names_are_told_as_far_as_text_goes(desk: Desk) -> None:
    path = desk.file("a\nb\udcff", make.bzimage(RELEASE))
    detail = desk.gather(KernelFiles(path)).kernel.origin.detail
    assert detail["kernel"].endswith("a?b?")


def test_a_hypervisor(desk: Desk) -> None:
    xen = desk.file("xen-4.17-amd64.gz", make.xen("4.17.5"))
    kernel = gather_hypervisor(desk.store, "x86_64", xen).kernel
    assert (kernel.kind, kernel.release) == ("xen", "4.17.5")
    with pytest.raises(InvalidInput, match="is for x86_64"):
        gather_hypervisor(desk.store, "aarch64", xen)
    with pytest.raises(InvalidInput, match="no Xen hypervisor"):
        gather_hypervisor(desk.store, "x86_64", desk.kernel())
