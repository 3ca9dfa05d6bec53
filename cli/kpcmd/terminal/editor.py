"""Asking for a text in the person's editor."""

import subprocess  # noqa: TID251  # the editor is the person's own choice
import tempfile
from collections.abc import Iterable
from pathlib import Path
from shlex import split
from typing import Final

from kpcmd.context import Session
from kpcmd.errors import WrongUsage
from kpstore.errors import InvalidInput
from kpstore.model import bounds

_MOST: Final = 4 * bounds.MESSAGE  # bytes; with the lines that say what changes
_OTHERWISE: Final = "set EDITOR to another one, or kp commit -m MESSAGE"
_HELP = "\n# Why? The first line is the subject. Lines with # are left out.\n#\n"


def ask_message(session: Session, lines: Iterable[str]) -> str:
    """Return what was written; WrongUsage where nobody can be asked."""
    if not session.world.terminal:
        raise WrongUsage("a commit needs a message", hint="kp commit -m MESSAGE")
    begun = _HELP + "".join(f"# {line}\n" for line in lines)
    written = edited_text(session, "the message", begun, _MOST)
    message = "\n".join(
        line for line in written.splitlines() if not line.startswith("#")
    ).strip()
    if not message:
        raise InvalidInput(
            "the message is empty: nothing is committed", hint="kp commit -m MESSAGE"
        )
    return message


def edited_text(session: Session, what: str, text: str, most: int) -> str:
    """Return what becomes of a text in the editor, of `most` bytes.

    InvalidInput, naming `what` it is, for what is no text or is longer.
    """
    with tempfile.TemporaryDirectory(prefix="kp-") as folder:
        file = Path(folder) / what.rpartition(" ")[2]
        file.write_text(text, "utf-8")
        _edit(session.world.editor, file)
        return _text(file, what, most)


def _text(file: Path, what: str, most: int) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(most + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{what} is not UTF-8", hint="have the editor save it so"
        ) from None
    if len(data) > most:
        raise InvalidInput(
            f"{what} has more than {most:,} bytes", hint="say it shorter"
        )
    return text


def _edit(editor: str, file: Path) -> None:
    try:
        command = [*split(editor), str(file)]
        status = subprocess.run(command, check=False).returncode
    except (OSError, ValueError) as error:  # ValueError: a quote without its like
        raise InvalidInput(
            f"the editor {editor!r} can't be started: {error}", hint=_OTHERWISE
        ) from None
    if status:
        raise InvalidInput(
            f"the editor {editor!r} failed with status {status}", hint=_OTHERWISE
        )
