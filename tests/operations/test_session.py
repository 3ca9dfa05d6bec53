"""What a writer that lives to its end may leave lying about is swept by the next."""

import errno
from pathlib import Path

import pytest

from kpstore.model.state import State
from kpstore.site.targets import SiteTarget
from support.crashes import publish
from support.kpstories import lagging


def test_a_step_that_succeeded_at_the_second_attempt_leaves_a_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, failed = lagging(tmp_path), list[str]()
    really = SiteTarget.stage

    def stage(self, *args):
        if not failed:
            failed.append(self.name)
            raise OSError(errno.EIO, "Input/output error", "generations")
        return really(self, *args)

    monkeypatch.setattr(SiteTarget, "stage", stage)
    publish(site.picker())
    assert "generations" in (site.root / "lock").read_text()
    publish(site.picker())
    assert (site.root / "lock").read_text() == ""


def test_a_root_is_opened_once_while_a_writer_is_at_work(tmp_path: Path) -> None:
    picker = lagging(tmp_path).picker()
    site, main = picker.site, State(picker.site.main())

    def net() -> SiteTarget:
        return next(each for each in site.targets(main) if each.name == "net")

    with picker.writing():
        first = net()
        assert net() is first
    assert net() is not first
