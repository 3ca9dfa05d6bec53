"""The library's face to programs: its names are pinned, its example runs."""

import inspect
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import kpstore.errors
from kpstore.errors import KpError
from kpstore.formats import samples
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import Outcome, Plan
from kpstore.picker import Edit, KernelPicker
from support.sources import ROOT

VERBS = """adopt blame blame_node caller commit compared create damage discard draft
    drafts edit examine gc intake judge load_draft log only_weigh open plan publish
    remove_draft requests resolve revert rollback save_draft show site undo verify view
    why writing"""
VALUES = {
    Caller: """along argv author clock committed doing host notify shield ticket unlock
        user wait without""",
    Edit: "outcome plan state",
    Outcome: "commit nodes nodes_changed notes replaced revision targets warnings",
    Plan: "base changes id nodes nodes_changed replaced targets warnings",
}
CODES = {
    "InvalidInput": "invalid",
    "NotFound": "not-found",
    "Refused": "refused",
    "NeedsConfirmation": "needs-confirmation",
    "Conflict": "conflict",
    "Drift": "drift",
    "Locked": "locked",
    "CorruptState": "corrupt",
    "DiskFailure": "disk",
    "KpError": "failed",
}


def public(kind: type) -> set[str]:
    own = {name for name in vars(kind) if not name.startswith("_")}
    given = inspect.signature(kind).parameters
    return own | set(given)


def test_verbs():
    assert public(KernelPicker) == set(VERBS.split())


def test_values():
    found = {kind: {field.name for field in fields(kind)} for kind in VALUES}
    assert found == {kind: set(names.split()) for kind, names in VALUES.items()}


def test_errors():
    found = {
        name: kind.code
        for name, kind in vars(kpstore.errors).items()
        if isinstance(kind, type) and issubclass(kind, KpError)
    }
    assert found == CODES


def test_the_page_names_what_front_ends_may_import():
    page = (ROOT / "docs/api.md").read_text("utf-8")
    rows = re.findall(r"^\| (`kpstore[^|]*) \|", page, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`kpstore\.(\w+)`", row)}
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    (contract,) = (
        each
        for each in tools["importlinter"]["contracts"]
        if each["name"] == "front ends use the facade"
    )
    allowed = {line.split(".")[2] for line in contract["ignore_imports"]}
    assert named == allowed


def test_the_example_runs(tmp_path: Path):
    page = (ROOT / "docs/api.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "vmlinuz").write_bytes(samples.bzimage("6.12.1"))
    (tmp_path / "initrd.img").write_bytes(samples.initrd("6.12.1"))
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    assert "known bad" in run.stdout
