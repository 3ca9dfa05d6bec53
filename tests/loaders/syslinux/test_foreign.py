"""An extlinux.conf that kp did not write."""

from kpstore.loaders.syslinux.foreign import read
from support.filetree import Files

TEXT = """\
DEFAULT b
INCLUDE more.cfg
LABEL a
  LINUX a
LABEL b
  KERNEL b
  APPEND initrd=one,two quiet
"""


def test_what_it_lists_and_boots() -> None:
    (found,) = read(Files({"boot/extlinux.conf": TEXT}))
    assert [each.kernel for each in found.choices] == ["a", "b"]
    assert found.chosen and found.chosen.initrds == ("one", "two")
    assert found.chosen.words == ("initrd=one,two", "quiet")


def test_what_it_includes_is_not_read_and_said() -> None:
    (found,) = read(Files({"boot/extlinux.conf": TEXT}))
    assert found.unread == ("boot/extlinux.conf: more.cfg, which it includes",)


def test_other_files_are_none_of_its() -> None:
    assert list(read(Files({"boot/grub/grub.cfg": TEXT}))) == []
