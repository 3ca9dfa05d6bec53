"""What administrators do today, as fairly as it can be told in few lines."""

import os
import shutil
import subprocess
from pathlib import Path

_QUIET = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
_IDENTITY = ["-c", "user.name=b", "-c", "user.email=b@b", "-c", "gc.auto=0"]


def run(*command: str | Path, cwd: Path) -> None:
    """Run a peer's program, quietly."""
    subprocess.run(
        command, cwd=cwd, check=True, capture_output=True, env={**os.environ, **_QUIET}
    )


class NodeFiles:
    """A file per node, as most tools keep them; the image's kernel is in each."""

    def __init__(self, where: Path, count: int) -> None:
        self.where, self.count = where, count
        where.mkdir(parents=True)
        for number in range(count):
            (where / f"{number:06}").write_text(self._text(0))

    def _text(self, turn: int) -> str:
        return f"DEFAULT kp\nLABEL kp\n  LINUX /vmlinuz-{turn}\n  APPEND panic=10\n"

    def rewrite(self, turn: int) -> None:
        """Write each node's file anew: temp and rename, no flush."""
        text = self._text(turn)
        for number in range(self.count):
            path = self.where / f"{number:06}"
            temp = path.with_suffix(".tmp")
            temp.write_text(text)
            temp.replace(path)


class Git:
    """A git work tree of node files and one image file; a flip of one link."""

    def __init__(self, files: NodeFiles) -> None:
        self.where = files.where
        (self.where / "image").write_text("0")
        run("git", "init", "-q", cwd=self.where)
        run("git", "add", "-A", cwd=self.where)
        run("git", *_IDENTITY, "commit", "-qm", "first", cwd=self.where)
        self.link = self.where.with_suffix(".live")

    def commit_and_flip(self, turn: int) -> None:
        """Change the image's file, `git commit -qam`, flip a link."""
        (self.where / "image").write_text(f"kernel {turn} {os.urandom(4).hex()}")
        run("git", *_IDENTITY, "commit", "-qam", f"turn {turn}", cwd=self.where)
        temp = self.link.with_suffix(".tmp")
        temp.symlink_to(f"turn-{turn}")
        temp.replace(self.link)


class Etckeeper:
    """etckeeper over the same files."""

    def __init__(self, where: Path, source: Path) -> None:
        self.where = where
        shutil.copytree(source, where, ignore=shutil.ignore_patterns(".git"))
        self._run("init")
        self._run("commit", "first")

    def _run(self, verb: str, *message: str) -> None:
        # What follows the message is a part of it: -d there would commit /etc.
        run("etckeeper", verb, "-d", self.where, *message, cwd=self.where)

    def commit(self, turn: int) -> None:
        """Change the image's file and commit."""
        (self.where / "image").write_text(f"kernel {turn} {os.urandom(4).hex()}")
        self._run("commit", f"turn {turn}")


def symlinks(where: Path, count: int) -> None:
    """Make N bare symbolic links in one directory."""
    where.mkdir(parents=True)
    for number in range(count):
        os.symlink("../kp/live/web~0123456789ab/pxelinux", where / f"01-{number:06}")
