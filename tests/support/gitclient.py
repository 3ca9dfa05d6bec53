"""A person with plain git beside kp: pushes drafts, and tries to push main."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from support.crash.child import SharedLog, fork
from support.sites import SmallSite

_GROUP = """\
{
  "nodes": "",
  "params": [
    "kp.pushed=%d"
  ],
  "priority": 7
}
"""
ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_AUTHOR_NAME": "bob",
    "GIT_AUTHOR_EMAIL": "bob@desk",
    "GIT_COMMITTER_NAME": "bob",
    "GIT_COMMITTER_EMAIL": "bob@desk",
}


@dataclass
class GitClient:
    """A clone of a site's repository, in `where`."""

    site: SmallSite
    where: Path
    user: str = "bob"
    log: SharedLog = field(default_factory=SharedLog)

    def git(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run git in the clone."""
        command = ["git", *words]
        return subprocess.run(
            command,
            cwd=self.where,
            env={**ENVIRONMENT, "KP_PUSHER": self.user},
            capture_output=True,
            text=True,
            check=False,
        )

    def clone(self) -> None:
        """Make the clone."""
        self.where.mkdir()
        made = self.git("clone", "-q", str(self.site.root / "state.git"), ".")
        assert made.returncode == 0, made.stderr

    def push(self, number: int, ref: str) -> subprocess.CompletedProcess[str]:
        """Commit a group on today's main, and push it to `ref`."""
        self.git("fetch", "-q", "origin")
        self.git("reset", "-q", "--hard", "origin/main")
        (self.where / "groups/pushed.json").write_text(_GROUP % number)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"number {number}")
        return self.git("push", "-q", "--force", "origin", f"HEAD:{ref}")

    def push_both(self, number: int) -> None:
        """Push a draft, then main, and note what came of it."""
        draft = self.push(number, f"refs/kp/drafts/{self.user}")
        self.log.add("draft accepted" if draft.returncode == 0 else draft.stderr)
        main = self.push(number, "refs/heads/main")
        refused = main.returncode != 0 and "not for pushing" in main.stderr
        self.log.add("main refused" if refused else f"main: {main.stderr}")

    @contextmanager
    def pushing(self) -> Iterator[None]:
        """Push again and again while the block runs, and once at least."""
        # beside the clone: in it, `git add -A` and `reset --hard` would take it away
        stop = self.where.with_name(f"{self.where.name}.stop")
        pid = fork()
        if pid == 0:
            try:
                self._push_until(stop)
            finally:
                os._exit(0)
        try:
            yield
        finally:
            stop.touch()
            os.waitpid(pid, 0)

    def _push_until(self, stop: Path) -> None:
        for number in count(1):
            self.push_both(number)
            if stop.exists():
                return
