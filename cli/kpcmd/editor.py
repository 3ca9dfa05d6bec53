"""Asking for a commit message in the person's editor."""

import subprocess  # noqa: TID251  # the editor is the person's own choice
import tempfile
from collections.abc import Iterable
from pathlib import Path
from shlex import split

from kpcmd.context import Session
from kpcmd.errors import WrongUsage
from kpstore.errors import InvalidInput

_HELP = "\n# Why? The first line is the subject. Lines with # are left out.\n#\n"


def ask_message(session: Session, lines: Iterable[str]) -> str:
    """Return what was written; WrongUsage where nobody can be asked."""
    if not session.world.terminal:
        raise WrongUsage("a commit needs a message", hint="kp commit -m MESSAGE")
    with tempfile.TemporaryDirectory(prefix="kp-") as folder:
        file = Path(folder) / "COMMIT"
        file.write_text(_HELP + "".join(f"# {line}\n" for line in lines), "utf-8")
        _edit(session.world.editor, file)
        written = file.read_text("utf-8")
    message = "\n".join(
        line for line in written.splitlines() if not line.startswith("#")
    ).strip()
    if not message:
        raise InvalidInput("the message is empty: nothing is committed")
    return message


def _edit(editor: str, file: Path) -> None:
    command = [*split(editor), str(file)]
    try:
        status = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise InvalidInput(f"the editor {editor!r} can't be started: {error}") from None
    if status:
        raise InvalidInput(f"the editor {editor!r} failed with status {status}")
