"""Kernels taken in from files that are made for it; none of them boots."""

import hashlib
import random
from typing import Any

from histories.documents import Clash, No, State, names
from histories.drawing import KERNELS, Args, some
from histories.editing import USERS, written
from histories.trial import Trial, expect
from kpstore.formats import samples

RELEASES = ("6.1.0", "6.2.0", "6.12.9-1")


def draw(rng: random.Random, trial: Trial) -> Args | None:
    image = some(rng, names(trial.model.main, "image"))
    if image is None:
        return None
    if rng.random() < 0.12:
        return {"image": image, "user": rng.choice(USERS), "name": "xen"}
    return {
        "image": image,
        "name": rng.choice(KERNELS),
        "release": rng.choice(RELEASES),
        "build": rng.choice((0, 0, 1)),
        "initrd": rng.choice((0, 0, 1)),
        "replace": rng.random() < 0.6,
        "user": rng.choice(USERS),
        "manner": rng.choices(("commit", "draft"), (3, 1))[0],
    }


def _run_xen_add(trial: Trial, args: Args) -> None:
    file = trial.where / "kernels" / "xen.gz"
    file.parent.mkdir(exist_ok=True)
    data = samples.xen("4.17")
    file.write_bytes(data)
    made = {"kind": "xen", "arch": "x86_64", "modules": None, "release": "4.17"}
    made |= {"vmlinuz": hashlib.sha256(data).hexdigest(), "initrd": []}

    def done(state: State) -> State:
        if ("image", args["image"]) not in state:
            raise No("no image")
        return state | {("kernel", args["image"], "xen"): made}

    words = ["kernel", "add", args["image"], "--xen", str(file), "--name", "xen"]
    if _refused_at_once(trial, args, words):
        return
    written(
        trial,
        args["user"],
        "kernel add",
        words,
        "commit",
        done,
        brings=(made["vmlinuz"],),
    )


def _refused_at_once(trial: Trial, args: Args, words: list[str]) -> bool:
    """Whether it ended before it read a file: a draft that clashes, or no image."""
    try:
        seen = trial.view(args["user"])
    except Clash:
        result = trial.run(*words, user=args["user"])
        expect("status of a kernel into a draft that clashes", 3, result.status)
        return True
    if ("image", args["image"]) in seen:
        return False
    result = trial.run(*words, user=args["user"])
    expect("status of a kernel of no image", 1, result.status)
    return True


def run(trial: Trial, args: Args) -> None:
    if args["name"] == "xen":
        _run_xen_add(trial, args)
        return
    files = kernel_files(trial, args["release"], args["build"], args["initrd"])
    image, name = args["image"], args["name"]

    def done(state: State) -> State:
        if ("image", image) not in state:
            raise No("no image")
        known = state.get(("kernel", image, name))
        if known and known["kind"] != "linux":
            raise No("of another kind")
        same = known and all(known[k] == files[k] for k in ("vmlinuz", "initrd"))
        if known and not same and not args["replace"]:
            raise No("another kernel of that name")
        made = {"kind": "linux", "arch": "x86_64", "modules": None}
        made["release"] = args["release"]
        made |= {"vmlinuz": files["vmlinuz"], "initrd": files["initrd"]}
        return state | {("kernel", image, name): made}

    words = ["kernel", "add", image, "--files", files["kernel"], "--name", name]
    words += ["--initrd", files["initrd_file"]] + ["--replace"] * args["replace"]
    if _refused_at_once(trial, args, words):
        return
    written(
        trial,
        args["user"],
        "kernel add",
        words,
        args["manner"],
        done,
        brings=(files["vmlinuz"], *files["initrd"]),
    )


def kernel_files(trial: Trial, release: str, build: int, initrd: int) -> dict[str, Any]:
    """Write a kernel and an initrd, once; their paths and digests."""
    folder = trial.where / "kernels" / f"{release}-{build}"
    folder.mkdir(parents=True, exist_ok=True)
    kernel, file = folder / f"vmlinuz-{release}", folder / f"initrd.{initrd}"
    if not kernel.exists():
        kernel.write_bytes(samples.bzimage(release, payload=b"%d" % build))
    if not file.exists():
        content = b"#!/bin/sh\n# %d\n" % initrd
        file.write_bytes(samples.initrd(release, content=content))
    sums = [hashlib.sha256(each.read_bytes()).hexdigest() for each in (kernel, file)]
    return {
        "kernel": str(kernel),
        "initrd_file": str(file),
        "vmlinuz": sums[0],
        "initrd": [sums[1]],
    }
