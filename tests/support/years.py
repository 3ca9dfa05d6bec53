"""Sites over many days: commits on a day, and a collector who finds all files old."""

import os
from dataclasses import replace
from pathlib import Path

from kpstore.artifacts.store import ArtifactStore
from kpstore.edits import entries, images
from kpstore.model.documents import KernelConfig, Site
from kpstore.model.keys import Key
from support import sites
from support.sites import SmallSite

OLD = sites.NOW - 300 * sites.DAY  # long before any day of a test


def keeping_little(where: Path) -> SmallSite:
    """Make a site that keeps two generations and two good payloads an image (r4)."""
    site = sites.make(where, sites.first_import, sites.call_good)
    with site.picker().edit("rules") as edit:
        known = edit.state.site()
        rules = {"generations": 2, "known_good": 2}
        retention = known.retention.model_copy(update=rules)
        edit.state.put(Key("site"), Site(**{**dict(known), "retention": retention}))
    return site


def age(site: SmallSite) -> None:
    """Make every artifact and object old: what is young stays anyway."""
    for root in (site.root / "state.git/lfs/objects", site.tftp / "kp/objects"):
        for path in (*root.rglob("*"), root) if root.exists() else ():
            os.utime(path, (OLD, OLD), follow_symlinks=False)


def collect(site: SmallSite, day: float) -> list[str]:
    """Run gc on a day, and have it believe that all files are old."""
    age(site)
    picker = replace(site, day=day).picker()
    return picker.gc().artifacts


def params(site: SmallSite, day: float, *tokens: str) -> int:
    """Commit an image-level change of gpu on a day; return the revision."""
    with replace(site, day=day).picker().edit("params") as edit:
        images.change(edit.state, "gpu", {"params": tokens})
    assert edit.outcome
    return int(edit.outcome.revision[1:])


def new_default(
    site: SmallSite, day: float, release: str, *, good: bool = False
) -> KernelConfig:
    """Give web a new default and forget its other entries and kernels."""
    picker = replace(site, day=day).picker()
    kernel = sites.add_kernel(picker, release)
    with picker.edit(f"only {release}") as edit:
        for entry in edit.state.names("entry", "web"):
            edit.state.drop(Key("entry", entry, "web"))
        for old in edit.state.names("kernel", "web"):
            edit.state.drop(Key("kernel", old, "web"))
        sites.put_kernel(edit.state, "web", kernel)
        fields = {"kernel": release, "method": "mixed", "params": ("panic=5",)}
        entries.add(edit.state, "web", f"run{release}", fields, default=True)
    if good:
        replace(site, day=day).picker().judge("good", [("web", None, None)], "runs")
    return kernel


def store(site: SmallSite) -> ArtifactStore:
    return site.picker().site.artifacts


def has(site: SmallSite, kernel: KernelConfig) -> bool:
    return all(store(site).has(r.sha256, r.size) for r in kernel.artifacts.refs())
