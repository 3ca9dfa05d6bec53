from kpstore.formats.initrd import InitrdFacts
from kpstore.formats.modules import ModulesFacts
from kpstore.kernels.required import missing_firmware, missing_modules

MODULES = ModulesFacts("6.1", frozenset({"snd_hda"}), frozenset({"ext4"}), True)
INITRD = InitrdFacts(
    frozenset({"6.1"}),
    ("gzip",),
    9,
    modules=frozenset({"nvme"}),
    firmware=frozenset({"qla/a.bin"}),
)


def test_modules_may_be_files_built_in_or_packed() -> None:
    assert missing_modules(["snd-hda", "ext4", "nvme"], MODULES, [INITRD]) == ()
    assert missing_modules(["nvme", "my-nic", "ext4"], MODULES) == ("nvme", "my-nic")
    assert missing_modules(["ext4"], None) == ("ext4",)
    assert missing_modules([], None) == ()


def test_firmware_may_be_in_the_image_or_the_initrd() -> None:
    assert missing_firmware(["b.bin", "qla/a.bin"], {"b.bin"}, [INITRD]) == ()
    assert missing_firmware(["b.bin", "c.bin"], {"b.bin"}, [INITRD]) == ("c.bin",)
