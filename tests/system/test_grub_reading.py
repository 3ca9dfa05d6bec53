"""kp reads a grub.cfg as GRUB itself does: both are given scripts drawn at random."""

import re
from pathlib import Path

import pytest

from kpstore.loaders.grub.foreign import read
from support.filetree import Files
from support.grubscripts import CONFIG, Drawn, draw
from support.rig import grubemu
from support.rig.grubemu import Told
from support.rotation import OneIn

SCRIPTS = list(range(2000))
PARTS = 5
BETWEEN = re.compile(r"(?<!>)>(?!>)")

pytestmark = pytest.mark.system


def by_kp(drawn: Drawn) -> Told:
    (found,) = read(Files(drawn.told("", "boot", "boot")))
    boots = found.chosen
    assert boots, found.unread
    name = (boots.ident or boots.title).replace(">", ">>")
    return Told(name, boots.kernel, boots.initrds, boots.words, boots.hypervisor)


def by_grub(drawn: Drawn, tree: Path) -> Told:
    boot = grubemu.BOOT
    for name, text in drawn.told(str(tree), boot, boot).items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    told = grubemu.boot(tree, CONFIG)
    return Told(
        BETWEEN.split(told.chosen)[-1],
        told.kernel.removeprefix(str(tree)),
        tuple(path.removeprefix(str(tree)) for path in told.initrds),
        told.words,
        told.hypervisor.removeprefix(str(tree)),
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_kp_and_grub_boot_the_same(part: int, one_in: OneIn, tmp_path: Path) -> None:
    for seed in SCRIPTS[one_in(8)][part::PARTS]:
        drawn = draw(seed)
        grub = by_grub(drawn, tmp_path / str(seed))
        assert by_kp(drawn) == grub, f"script {seed}: {drawn.files[CONFIG]}"
