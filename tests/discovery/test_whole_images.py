"""What whole images of distributions boot, told by the loader that each brings."""

import json
from pathlib import Path
from typing import Any

import pytest

from kpstore.discovery.image_tree import default_kernel
from kpstore.disk.beneath import Beneath
from support.imagetree import fill, whole_image
from support.sources import ROOT

IMAGES = sorted(
    path.parent.name for path in ROOT.glob("fixtures/trees/whole/*/says.json")
)


def says(name: str) -> Any:
    return json.loads((ROOT / f"fixtures/trees/whole/{name}/says.json").read_text())


@pytest.mark.parametrize("lacks", ["nothing", "etc/fstab", "boot/efi/"])
@pytest.mark.parametrize("name", IMAGES)
def test_it_boots_what_its_loader_boots(tmp_path: Path, name: str, lacks: str) -> None:
    """Also an image that was taken without its ESP, or before it had an fstab."""
    said, files = says(name), whole_image(name)
    if not said["source"].startswith(lacks):
        for path in [each for each in files if each.startswith(lacks)]:
            del files[path]
    fill(tmp_path, files)
    with Beneath.open(tmp_path) as tree:
        found = default_kernel(tree)
    assert (found.unread, found.lost) == ((), ())
    assert found.booted
    assert found.booted.dropped == ()
    assert found.booted._asdict() | {"line": " ".join(found.booted.params)} == (
        found.booted._asdict() | {**said, "initrds": tuple(said["initrds"])}
    )


@pytest.mark.parametrize("name", IMAGES)
def test_it_is_taken_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    """A file of what boots is gone: nothing is made of the rest without a word."""
    fill(tmp_path, whole_image(name))
    said = says(name)
    for path in (said["kernel"], *said["initrds"]):
        data = (tmp_path / path).read_bytes()
        (tmp_path / path).unlink()
        with Beneath.open(tmp_path) as tree:
            found = default_kernel(tree)
        if found.lost or path != said["kernel"]:
            assert f"{Path(path).name}, which is not in the tree" in found.lost[0]
        else:  # systemd-boot lists no entry whose kernel is gone
            assert "names none of its entries" in found.unread[0]
        if found.booted:  # the kernel is gone, and one is left: as its loader boots it
            assert path == said["kernel"]
            assert " ".join(found.booted.params) == said["line"]
            assert found.booted.initrds and found.booted.source
        (tmp_path / path).write_bytes(data)


@pytest.mark.parametrize("fstab", [True, False])
@pytest.mark.parametrize(
    ("called", "mounted"),
    [
        ("/@/boot", "UUID=0b6c3d6e-6a0c-4b9e-9d5c-0d6f2f1d7a11 / btrfs subvol=@ 0 1"),
        (
            "/@rootfs/boot",
            "UUID=0b6c3d6e-6a0c-4b9e-9d5c-0d6f2f1d7a11 / btrfs subvol=@rootfs 0 1",
        ),
        ("/ROOT/debian@/boot", "UUID=7C3A-91F0 /boot/efi vfat defaults 0 0"),
        ("/BOOT/debian@", "UUID=7C3A-91F0 /boot/efi vfat defaults 0 0"),
    ],
)
def test_a_boot_folder_in_a_volume(
    tmp_path: Path, called: str, mounted: str, fstab: bool
) -> None:
    files = whole_image("debian")
    for path in ("boot/grub/grub.cfg", "boot/efi/EFI/debian/grub.cfg"):
        text = bytes(files[path]).decode()  # type: ignore[arg-type]
        for before in ("\t/boot/", "'/boot/"):
            text = text.replace(before, f"{before[0]}{called}/")
        files[path] = text.encode()
    files["etc/fstab"] = f"{mounted if fstab else ''}\n".encode()
    fill(tmp_path, files)
    with Beneath.open(tmp_path) as tree:
        found = default_kernel(tree)
    assert (found.unread, found.lost) == ((), ())
    assert found.booted
    said = says("debian")
    assert (found.booted.kernel, list(found.booted.initrds)) == (
        said["kernel"],
        said["initrds"],
    )
