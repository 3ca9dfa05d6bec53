"""What git itself needs of the repository: HEAD, config, folders, as `kp init` makes.

kp reads none of it, so that only a git client, or a person, meets what is amiss here.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from kpstore.disk.streams import read_regular
from kpstore.history.git.create import DESCRIPTION, HEAD, config_of

_FOLDERS: Final = ("objects/pack", "refs/heads")
_SECTION: Final = re.compile(r'\[([A-Za-z0-9.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\]')
_SETTING: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*(?:=\s*(.*))?")
_VITAL: Final = ("core.repositoryformatversion", "core.bare")


class Fitting(NamedTuple):
    """What is amiss with a file or folder; `text` is what it lacks.

    `whole`: that is all of it, and what lies there now is not; else it is added at
    the end. `vital`: git can't do without. No text: a folder is missing.
    """

    path: Path
    problem: str
    text: str = ""
    whole: bool = True
    vital: bool = True


def amiss(repository: Path) -> Iterator[Fitting]:
    """Yield what isn't as `kp init` made it."""
    for name in _FOLDERS:
        if not (repository / name).is_dir():
            yield Fitting(repository / name, "is missing")
    head, description = repository / "HEAD", repository / "description"
    if problem := _differs(head, HEAD):
        yield Fitting(head, problem, HEAD)
    if problem := _unreadable(description):
        yield Fitting(description, problem, DESCRIPTION, vital=False)
    yield from _config(repository / "config")


def _config(file: Path) -> Iterator[Fitting]:
    found = _settings(_read(file) or "")
    if problem := _unreadable(file) or ("can't be read" if found is None else ""):
        yield Fitting(file, problem, config_of(file.parent))
        return
    for key, value in (_settings(config_of(file.parent)) or {}).items():
        if found is not None and found.get(key) != value:
            problem = f"says {key} = {found.get(key)}, not {value}"
            section, _, name = key.rpartition(".")
            text = f"[{section}]\n\t{name} = {value}\n"
            yield Fitting(file, problem, text, whole=False, vital=key in _VITAL)


def _settings(text: str) -> dict[str, str] | None:
    """Return the last value of each key; None where a line is no git's (git-config)."""
    found: dict[str, str] = {}
    section = ""
    for line in text.replace("\\\n", "").splitlines():
        plain = re.split(r"\s[#;]", f" {line}", maxsplit=1)[0].strip()
        if match := _SECTION.match(plain):
            section = match[1].lower() + (f".{match[2]}" if match[2] else "")
            plain = plain[match.end() :].strip()
        if match := _SETTING.fullmatch(plain):
            value = match[2] if match[2] is not None else "true"
            found[f"{section}.{match[1].lower()}"] = value.strip('" ')
        elif plain:
            return None
    return found


def _differs(file: Path, text: str) -> str:
    found = _read(file)
    if found is None:
        return _unreadable(file)
    return "" if found == text else f"says {found[:60]!r}, not {text!r}"


def _unreadable(file: Path) -> str:
    try:
        read_regular(file).decode("utf-8")
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    except UnicodeDecodeError:
        return "can't be read: it is no text"
    return ""


def _read(file: Path) -> str | None:
    try:
        return read_regular(file).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
