"""Writers beside each other: no acknowledged commit is lost."""

import subprocess
import sys
from pathlib import Path

from kpstore.history import walk
from kpstore.history.git.repository import Repository
from kpstore.history.paths import MAIN
from support.histories import SITE, git, grow, make

WRITER = """
import sys
from pathlib import Path
from kpstore.errors import Conflict, Locked
from kpstore.history.paths import MAIN
from kpstore.history.git.repository import Repository
from support.histories import commit, node
from kpstore.history.walk import revision
from kpstore.model.keys import Key

path, worker, wanted = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
repository = Repository(path)
done = 0
while done < wanted:
    base = repository.tip(MAIN)
    number = revision(repository.commit(base)).number + 1
    made = node(worker, params=(f"step={done}",))
    new = commit(repository, base, {Key("node", made.name): made}, revision=number)
    try:
        repository.advance(MAIN, base, new, host="head1", wait=5)
    except (Conflict, Locked):
        continue
    print(new, flush=True)
    done += 1
"""


def test_eight_processes_swap_one_ref(tmp_path: Path) -> None:
    workers, wanted = 8, 10
    repository = make(tmp_path / "state.git")
    grow(repository, SITE)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(repository.path), str(n), str(wanted)],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        for n in range(workers)
    ]
    said = [process.communicate()[0].split() for process in running]
    assert [process.returncode for process in running] == [0] * workers
    tip = repository.tip(MAIN)
    chain = [commit.id for commit in walk.chain(Repository(repository.path), tip)]
    acknowledged = {commit for lines in said for commit in lines}
    assert len(acknowledged) == workers * wanted
    assert acknowledged < set(chain)
    assert len(chain) == workers * wanted + 1
    assert walk.revision(repository.commit(tip or "")).number == len(chain)
    assert git(repository.path, "rev-list", "--count", "main").strip() == str(
        len(chain)
    )
    assert not list((repository.path / "refs").rglob("*.lock"))
    assert "error" not in git(repository.path, "fsck", "--strict", "--full")
