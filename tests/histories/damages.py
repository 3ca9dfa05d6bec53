"""Served files that somebody changes, and kp's mending of them."""

import os
import random
import re
from pathlib import Path
from typing import Any

from histories.trial import Trial, expect

Args = dict[str, Any]
_WAYS = ("cut", "flipped", "removed", "link", "folder")


def draw(rng: random.Random, trial: Trial) -> Args | None:
    """A file that is served, and what is done to it; found anew when it is run."""
    targets = [n for n in trial.model.targets() if n.startswith("boot")]
    if not targets:
        return None
    return {
        "target": rng.choice(targets),
        "which": rng.random(),
        "way": rng.choice(_WAYS),
        "where": rng.choice(("menus", "shards", "objects", "entry", "policy")),
    }


def run(trial: Trial, args: Args) -> None:
    """Damage a file that a live generation serves; verify sees it, publish mends it."""
    model, name = trial.model, args["target"]
    conditions = {model.condition(each) for each in model.targets()}
    if name not in list(model.targets()) or conditions != {"live"}:
        return
    found = _served(trial, name, args["where"])
    if not found:
        return
    path = found[int(args["which"] * len(found))]
    _damage(path, args["way"])
    trial.damaged.add(path.parent.name)
    trial.said.append(f"# {args['way']}: {path.relative_to(trial.where)}")
    result = trial.kp("verify", user="eve")
    expect(f"status of verify after {trial.said[-1]} {result.err}", 4, result.status)
    result = trial.run("publish")
    expect(f"status of publish {result.out} {result.err}", 0, result.status)


def _served(trial: Trial, name: str, where: str) -> list[Path]:
    """Files of the live generation, or entry points; sorted."""
    document = trial.model.main["target", name]
    base = trial.root(name) / document["prefix"]
    if where == "entry":
        folders = (base / "pxelinux.cfg", base / "ipxe", base / document["grub_dir"])
        return sorted(each for f in folders for each in f.glob("*01-*"))
    live = base / "kp/live"
    links = (*live.iterdir(), *live.glob("[0-9a-f][0-9a-f]/*~*"))
    menus = [Path(os.path.realpath(each)) for each in links]
    if where == "policy":
        menus = [Path(os.path.realpath(live / "policy"))]
    files = sorted(
        file
        for each in menus
        if each.is_dir()
        for file in each.iterdir()
        if file.is_file() and ("shards" in file.parts) == (where == "shards")
        if file.name != "CONTENTS"  # which no node is given
    )
    if where != "objects":
        return files
    text = b"".join(file.read_bytes() for file in files)
    named = re.findall(rb"kp/objects/[0-9a-f]{64}/[a-z.]+", text)
    return sorted({base / each.decode() for each in named})


def _damage(path: Path, way: str) -> None:
    data = b"" if path.is_symlink() else path.read_bytes()
    if way == "cut" and data:
        path.chmod(0o644)
        path.write_bytes(data[: len(data) // 2])
        return
    if way == "flipped" and data:
        path.chmod(0o644)
        path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
        return
    path.unlink()
    if way == "link":
        path.symlink_to("nowhere")
    if way == "folder":
        path.mkdir()
