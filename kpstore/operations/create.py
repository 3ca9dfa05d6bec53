"""`init`: a site's directory and its first commit."""

from pathlib import Path
from typing import Final

from kpstore.disk import sharing
from kpstore.disk.durable import make_directories, sweep_temporaries, write_file
from kpstore.errors import NotFound, Refused, disk_failures
from kpstore.history.git.create import create as create_repository
from kpstore.history.paths import MAIN
from kpstore.history.snapshot import Snapshot
from kpstore.model.documents import Site
from kpstore.model.keys import Key
from kpstore.model.params.rules import NEWEST
from kpstore.model.state import Empty, State
from kpstore.operations.caller import Caller
from kpstore.operations.proposal import Proposal
from kpstore.operations.session import Session
from kpstore.operations.transaction import Transaction
from kpstore.site.opened import OpenSite
from kpstore.site.settings import Settings, load, save

_README: Final = """\
This is a kp site (KernelPicker): how the nodes of a cluster boot.

It belongs to the administrators of the cluster; kp writes it, nobody else should.
  state.git   every boot configuration change, one commit each. Read it without kp:
              git -C state.git log; git -C state.git show main
  kp.toml     paths of this server
  cache       derived; safe to delete
  found       files that someone else changed, moved here before kp repaired them
  seen        what each target held when it was last seen; back it up
  reserve     room for a rollback when the disk is full
  lock        held by whoever writes
"""
_FOLDERS: Final = ("cache", "keys", "found", "seen")
_MADE: Final = {*_FOLDERS, "README", "state.git", "lock"}  # before there is r1


@disk_failures("making a site")
def create(
    root: Path, caller: Caller, *, site_id: str, name: str, shared: str = ""
) -> OpenSite:
    """Make a site: its directory and r1. `site_id` is 32 random hex digits.

    `shared`: the group of several administrators who write it; NotFound where there is
    none of that name, Refused for who isn't in it. Refused when something is there.
    What a killed attempt left is gone on with: no site is one without main.
    """
    site = _directory(root, shared)
    state, session = State(Empty()), Session(site, caller)
    state.put(Key("site"), Site(id=site_id, name=name, params_table=NEWEST))
    with session.locked():
        proposal = Proposal(site, Snapshot(site.repository, None), state.changes)
        intent = caller.intent("init", f"kp init {name}")
        Transaction(proposal, intent, session.manner()).run()
    return site


def _directory(root: Path, shared: str) -> OpenSite:
    """Make an empty site directory."""
    group, settings = _group(shared), Settings({}, {}, shared)
    if (root / "state.git").is_dir():
        found = OpenSite(root)
        if found.repository.peek(MAIN) is not None:
            raise Refused(f"{root} is a kp site already", hint="kp status")
    sweep_temporaries(root.parent)
    sweep_temporaries(root)
    file = root / "kp.toml"
    ours = {*_MADE, file.name} if shared and load(file) == settings else _MADE
    if root.exists() and {path.name for path in root.iterdir()} - ours:
        raise Refused(
            f"{root} is not empty: nothing is made there",
            hint="kp --site NEW-DIRECTORY init",
        )
    if group is not None:
        sharing.share(root, group)
        sharing.check_writer(root)
        make_directories(root)
        _give_to_group(root)
        save(file, settings)
    for folder in _FOLDERS:
        make_directories(root / folder, mode=0o750)
    write_file(root / "README", _README.encode())
    if not (root / "state.git").is_dir():
        create_repository(root / "state.git")
    return OpenSite(root)


def _group(name: str) -> int | None:
    if not name:
        return None
    group = sharing.number_of(name)
    if group is None:
        raise NotFound(
            f"there is no group {name} on this server",
            hint=f"as root: groupadd {name}; usermod -aG {name} USER for each member",
        )
    return group


def _give_to_group(root: Path) -> None:
    """Have a folder that was there be the group's; Refused for another's."""
    for _, why, mended in sharing.lost(root, mending=True):
        if not mended:
            group = sharing.name_of(sharing.group_of(root) or 0)
            raise Refused(
                f"{root}: {why}",
                hint=f"as root: chgrp {group} {root}; chmod 2775 {root}; then kp init",
            )
