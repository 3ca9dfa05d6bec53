"""kp.toml: what is local to this server, and nothing that is versioned.

Format: TOML (https://toml.io), tables `roots` (TFTP target -> path) and `trees`
(image -> path of its tree); `shared`, the group of a shared site. Unknown keys are
refused by name.
"""

import json
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

from kpstore.disk.durable import write_file
from kpstore.disk.streams import read_regular
from kpstore.errors import InvalidInput
from kpstore.model import bounds
from kpstore.targets.spec import TargetSpec

TABLES: Final = ("roots", "trees")
_SHARED: Final = "shared"
_MEND = "mend it by hand; docs/format.md says what it holds"
_HEADER = "# kp: paths of this server. Versioned settings are in the repository.\n"


class Settings(NamedTuple):
    """Paths by target and by image, absolute; the group that shares the site, or ''."""

    roots: dict[str, Path]
    trees: dict[str, Path]
    shared: str = ""

    def path_of(self, spec: TargetSpec) -> Path | None:
        """Return a target's path on this server; a target of an image has its."""
        if spec.image is not None:
            return self.trees.get(spec.image)
        return self.roots.get(spec.name)


def load(file: Path) -> Settings:
    """Read kp.toml; a missing file is an empty one.

    InvalidInput names the file and the key that is unknown or no absolute path.
    """
    try:
        data = read_regular(file, bounds.SETTINGS + 1)
        if len(data) > bounds.SETTINGS:
            text = f"{file} has more than {bounds.SETTINGS:,} bytes"
            raise InvalidInput(text, hint=_MEND)
        raw = tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError:
        if file.is_symlink():
            raise InvalidInput(f"{file} leads nowhere", hint=_MEND) from None
        raw = {}
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}", hint=_MEND) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: {error}", hint=_MEND) from None
    unknown = sorted(set(raw) - {*TABLES, _SHARED})
    if unknown:
        known = f"known: {', '.join((*TABLES, _SHARED))}; {_MEND}"
        raise InvalidInput(f"{file}: unknown key {unknown[0]!r}", hint=known)
    roots, trees = (_paths(file, table, raw.get(table, {})) for table in TABLES)
    group = raw.get(_SHARED, "")
    if not isinstance(group, str):
        raise InvalidInput(f"{file}: {_SHARED} is not a group's name", hint=_MEND)
    return Settings(roots, trees, group)


def sharing_group(file: Path, *, likely: bool) -> str | None:
    """Return the group of a shared site, '' without one; None where it can't be read.

    Every command asks that, and few need the rest: unless it is `likely`, it is read
    only where it is said.
    """
    try:
        said = likely or _SHARED.encode() in read_regular(file, bounds.SETTINGS)
        return load(file).shared if said else ""
    except FileNotFoundError:
        return ""
    except (OSError, InvalidInput):
        return None


def save(file: Path, settings: Settings) -> None:
    """Write kp.toml durably, tables and keys sorted."""
    lines = [_HEADER]
    if settings.shared:
        lines.append(f"{_SHARED} = {_text(settings.shared)}\n")
    for table in TABLES:
        paths = getattr(settings, table)
        lines.append(f"\n[{table}]\n")
        lines += [
            f"{_text(name)} = {_text(str(paths[name]))}\n" for name in sorted(paths)
        ]
    write_file(file, "".join(lines).encode(), mode=0o640)


def _text(text: str) -> str:
    """Quote as a TOML basic string, whose escapes are JSON's (but for DEL)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _paths(file: Path, table: str, raw: Any) -> dict[str, Path]:
    if not isinstance(raw, dict):
        raise InvalidInput(f"{file}: {table!r} is not a table", hint=_MEND)
    for name, path in raw.items():
        if not isinstance(path, str) or not Path(path).is_absolute():
            text = f"{file}: {table}.{name} is not an absolute path"
            raise InvalidInput(text, hint=_MEND)
    return {name: Path(path) for name, path in raw.items()}
