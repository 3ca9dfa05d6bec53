"""What the library may not do itself: write files past `kpstore.disk`, look around."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sources import Module, product

# Each exception is a (module, what it uses) pair with its reason.
WRITES = {
    # git's own lock of a ref: a link made in one step, in a folder of the repository.
    ("kpstore.history.git.refs", "symlink_to"),
}
LOOKS = {
    # What is refused is a repository that another user could have made.
    ("kpstore.history.git.create", "os.geteuid"),
    # Who may write what a group shares, and how who may not comes into it.
    *(("kpstore.disk.sharing", f"os.get{name}") for name in ("euid", "egid")),
    *(("kpstore.disk.sharing", accounts) for accounts in ("pwd", "grp")),
    ("kpstore.disk.volumes", "os.uname"),  # what the kernel can be trusted with
}
OS_WRITING = [
    "chmod",
    "chown",
    "copy_file_range",
    "fchmod",
    "fchown",
    "ftruncate",
    "link",
    "makedirs",
    "mkdir",
    "mkfifo",
    "mknod",
    "pwrite",
    "remove",
    "removedirs",
    "rename",
    "renames",
    "replace",
    "rmdir",
    "sendfile",
    "symlink",
    "truncate",
    "unlink",
    "utime",
    "write",
]
PATH_WRITING = [
    "chmod",
    "hardlink_to",
    "lchmod",
    "mkdir",
    "rmdir",
    "symlink_to",
    "touch",
    "unlink",
    "write_bytes",
    "write_text",
]
WRITING = {*PATH_WRITING, *(f"os.{name}" for name in OS_WRITING)}
LOOKING = {
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "date.today",
    "expanduser",
    *(f"os.{name}" for name in ["environ", "environb", "getenv", "getlogin", "uname"]),
    *(f"os.get{name}" for name in ["cwd", "uid", "gid", "euid", "egid"]),
    *(f"Path.{name}" for name in ["home", "cwd"]),
    *(f"time.{name}" for name in ["time", "time_ns", "gmtime", "localtime", "ctime"]),
}
# Modules whose every use writes, or looks around.
WRITING_MODULES = {"shutil", "tempfile"}
LOOKING_MODULES = {"getpass", "platform", "pwd", "grp", "socket", "locale"}
MODES = {"w", "a", "x", "+"}
FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"}


def uses(module: Module, names: set[str], modules: set[str]) -> Iterator[str]:
    """Yield which of the names a module uses, and which of the modules it imports."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            yield from {node.attr, ast.unparse(node)} & names
        elif isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & modules
        elif isinstance(node, ast.ImportFrom):
            yield from {node.module or ""} & modules
            yield from {f"{node.module}.{alias.name}" for alias in node.names} & names


def opens_for_writing(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of calls of `open` with a mode or flags that write."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name not in {"open", "fdopen"}:
            continue
        for part in (
            each for a in (*node.args, *node.keywords) for each in ast.walk(a)
        ):
            text = getattr(part, "value", "")
            if isinstance(text, str) and len(text) <= 3 and MODES & set(text):
                yield node.lineno
            if getattr(part, "attr", "") in FLAGS:
                yield node.lineno


def above_disk() -> list[Module]:
    """Return the library's modules but those of kpstore.disk."""
    return [
        module
        for module in product()
        if module.name.startswith("kpstore.")
        and not module.name.startswith("kpstore.disk.")
    ]


def test_only_disk_writes_files():
    found = {
        (module.name, use)
        for module in above_disk()
        for use in uses(module, WRITING, WRITING_MODULES)
    }
    assert found == WRITES


def test_only_disk_opens_files_for_writing():
    found = {
        module.name for module in above_disk() if any(opens_for_writing(module.tree))
    }
    assert found == set()


def test_clock_user_and_environment_are_arguments():
    found = {
        (module.name, use)
        for module in product()
        if module.name.startswith("kpstore.")
        for use in uses(module, LOOKING, LOOKING_MODULES)
    }
    assert found == LOOKS


@pytest.mark.parametrize(
    "line",
    [
        "Path('x').write_text('')",
        "os.unlink(path)",
        "from os import replace",
        "import shutil",
        "path.open('w')",
        "open(path, 'ab')",
        "os.open(path, os.O_RDWR)",
        "datetime.now(UTC)",
        "from time import time",
        "os.environ['HOME']",
        "from getpass import getuser",
    ],
)
def test_a_breach_is_seen(line: str):
    module = Module("kpstore.breach", Path("breach.py"), ast.parse(line))
    modules = WRITING_MODULES | LOOKING_MODULES
    assert [
        *uses(module, WRITING | LOOKING, modules),
        *opens_for_writing(module.tree),
    ]
