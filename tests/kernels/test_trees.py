"""`--files TREE/boot/...`: the links of an image are looked up beneath its root."""

import os
from pathlib import Path

import pytest

from kpstore.artifacts.store import ArtifactStore
from kpstore.errors import KpError, NotFound
from kpstore.formats import samples as make
from kpstore.kernels.contract import Given
from kpstore.kernels.gather import Needs, gather
from kpstore.kernels.origins.files import Files, KernelFiles, beside, image_of
from support.imagetree import fill
from support.taking import gather_files

R = "6.1.0"
PARTS = {
    "kernel": f"boot/vmlinuz-{R}",
    "initrd": f"boot/initrd.img-{R}",
    "config": f"boot/config-{R}",
    "map": f"boot/System.map-{R}",
    "modules": f"lib/modules/{R}",
    "lib": "lib",
    "boot": "boot",
}


def grow(root: Path) -> Path:
    modules = make.module_files(R).items()
    files = {
        PARTS["kernel"]: make.bzimage(R),
        PARTS["initrd"]: make.initrd(R),
        PARTS["config"]: make.config().encode(),
        PARTS["map"]: b"map",
        **{f"lib/modules/{R}/{name}": data for name, data in modules},
        "etc/os-release": b"",
    }
    fill(root, files)
    return root


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("relative", [False, True])
def test_no_link_of_an_image_leads_to_the_server(
    tmp_path: Path, part: str, relative: bool
) -> None:
    server, tree = grow(tmp_path / "server"), grow(tmp_path / "tree")
    there, link = server / PARTS[part], tree / PARTS[part]
    link.rename(tmp_path / "moved")
    target = os.path.relpath(there, link.parent) if relative else str(there)
    link.symlink_to(target)
    store = ArtifactStore(tmp_path / "store")
    kernel = tree / PARTS["kernel"]
    try:
        gathered = gather_files(store, beside(kernel), Needs("x86_64"))
    except (KpError, FileNotFoundError):
        assert part in {"kernel", "boot"}
        return
    detail = gathered.kernel.origin.detail
    expected = set(beside(server / PARTS["kernel"]).given())
    lost = {"initrd": "initrd.0", "map": "System.map", "lib": "modules"}
    assert set(detail) == expected - {lost.get(part, part)}


@pytest.mark.parametrize("part", PARTS)
def test_links_within_an_image_lead_on(tmp_path: Path, part: str) -> None:
    """Absolute ones too: they mean what they mean to the image itself."""
    tree = grow(tmp_path / "tree")
    link = tree / PARTS[part]
    place = tree / "usr/elsewhere"
    place.parent.mkdir(exist_ok=True)
    link.rename(place)
    link.symlink_to("/usr/elsewhere")
    store = ArtifactStore(tmp_path / "store")
    files = beside(tree / PARTS["kernel"])
    plain = beside(grow(tmp_path / "plain") / PARTS["kernel"])
    found, expected = (
        gather_files(store, each, Needs("x86_64")).kernel.artifacts
        for each in (files, plain)
    )
    assert found == expected
    given = KernelFiles(tree / PARTS["kernel"], modules=tree)
    assert gather_files(store, given, Needs("x86_64")).kernel.artifacts.modules == (
        expected.modules
    )


@pytest.mark.parametrize("to", ["/boot/{}", "{}", "../boot/{}", "/../../boot/{}"])
def test_a_kernel_that_is_given_by_a_link_is_followed_in_its_image(
    tmp_path: Path, to: str
) -> None:
    tree = grow(tmp_path / "tree")
    for name, part in (("vmlinuz", PARTS["kernel"]), ("initrd.img", PARTS["initrd"])):
        (tree / "boot" / name).symlink_to(to.format(Path(part).name))
    boot = tree / "boot"
    given = Given(str(boot / "vmlinuz"), {"--initrd": [str(boot / "initrd.img")]})
    store = ArtifactStore(tmp_path / "store")
    with Files().open(given) as parts:
        found = gather(store, parts, Needs("x86_64")).kernel.artifacts
    plain = gather_files(store, beside(tree / PARTS["kernel"]), Needs("x86_64"))
    assert found.refs() == plain.kernel.artifacts.refs()[:2]


@pytest.mark.parametrize("relative", [False, True])
def test_a_kernel_that_is_given_by_a_link_to_the_server_is_none(
    tmp_path: Path, relative: bool
) -> None:
    server, tree = grow(tmp_path / "server"), grow(tmp_path / "tree")
    there, link = server / PARTS["kernel"], tree / "boot/vmlinuz"
    link.symlink_to(os.path.relpath(there, link.parent) if relative else there)
    with pytest.raises(NotFound, match="no such file in the image"):
        Files().open(Given(str(link)))


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("t/boot/vmlinuz", "t"),
        ("t/boot/token/6.1/linux", "t"),
        ("t/efi/token/6.1/linux", "t"),
        ("t/usr/lib/modules/6.1", "t"),
        ("src/arch/x86/boot/bzImage", ""),
        ("plain/vmlinuz", ""),
        ("plain/boot/vmlinuz", ""),
    ],
)
def test_what_is_an_image(tmp_path: Path, path: str, root: str) -> None:
    for name in ("t/etc", "t/usr/etc", "src/arch/x86/lib", "plain/boot"):
        (tmp_path / name).mkdir(parents=True)
    found = image_of(tmp_path / path)
    assert (found[0] if found else None) == (tmp_path / root if root else None)
    assert image_of(Path("/boot/vmlinuz")) is None
