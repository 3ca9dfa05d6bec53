"""What is served, read as machines read it, is what the model says."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from histories import readers
from histories.boots import Boot, Linux, boot_of, disk_of
from histories.documents import names, text_of
from histories.firmware import Lost
from histories.model import GENERATIONS
from histories.retained import goods, needed
from histories.trial import ORIGINALS, Disagreement, Trial, expect

_OBJECT = re.compile(rb"kp/objects/([0-9a-f]{64})/([a-z.]+)")


STRANGER = "02:00:00:00:ff:ff"


def served(trial: Trial) -> None:
    """Every place that is there serves what the model says, byte for byte."""
    for name, place in trial.model.places.items():
        if not place.mounted or not place.serves:
            continue
        state = trial.model.at(place.serves)
        if place.kind == "tftp":
            _network(trial, name, state)
            _complete(trial, name, state["target", name]["prefix"])
        else:
            listed = place.lists and trial.model.at(place.lists)
            _disk(trial, name, state, listed or {})


def _network(trial: Trial, name: str, state: Any) -> None:
    document, server = state["target", name], trial.server(name)
    prefix = document["prefix"]
    folder = f"{'/' if prefix else ''}{prefix}/{document['grub_dir']}"
    nodes = {
        mac: boot_of(state, node)
        for node in names(state, "node")
        for mac in state["node", node]["macs"]
    }
    for mac, boot in (nodes | {STRANGER: Boot("a stranger")}).items():
        for loader in document["loaders"]:
            where = folder if loader == "grub" else prefix
            try:
                found = readers.NETWORK[loader](server, mac, where)
            except Lost as lost:
                raise Disagreement(f"{name}: {mac} by {loader}: {lost}") from None
            wanted = _arrives(boot.served, mac, loader)
            expect(f"{name}: {mac} by {loader} ({boot.why})", wanted, found)


def _arrives(linux: Linux | None, mac: str, loader: str) -> Linux | None:
    """What a kernel is given: its line, and the card that it came by."""
    if linux is None:
        return None
    card = f"BOOTIF=01-{mac if loader == 'grub' else mac.replace(':', '-')}"
    return Linux(linux.kernel, linux.initrds, f"{linux.line} {card}".strip())


def _disk(trial: Trial, name: str, state: Any, listed: Any) -> None:
    document, tree = state["target", name], trial.server(name)
    default, entries = disk_of(listed, document["image"])
    read = readers.TREE[document["loaders"][0]]
    wanted = (
        (f"kp-{default}" if default else ""),
        {f"kp-{e}": b for e, b in entries.items()},
    )
    expect(f"{name}: the disk of {document['image']}", wanted, read(tree))
    if trial.model.places[name].has_original and not listed:
        path, data = ORIGINALS[document["loaders"][0]]
        expect(f"{name}: the image's own {path}", data, tree.read(f"/{path}"))


def _complete(trial: Trial, name: str, prefix: str) -> None:
    """Whatever a generation that is kept names is there: no dialect is asked.

    So is what was dropped lately.
    """
    base = trial.root(name) / prefix / "kp"
    place = trial.model.places[name]
    for generation in (*(base / "generations").iterdir(), base / "retired"):
        for link in _led_to(generation):
            if Path(os.readlink(link)).name in trial.damaged:
                continue  # a retired menu can't be drawn anew
            for file in _files(link):
                for sha, what in _OBJECT.findall(file.read_bytes()):
                    path = base / "objects" / sha.decode() / what.decode()
                    if not path.is_file():
                        raise Disagreement(
                            f"{name}: {generation.name}: {link.name} names {path.name} "
                            f"of {sha.decode()[:12]}, which is gone"
                        )
    there = {int(each.name.split("-")[0]) for each in (base / "generations").iterdir()}
    kept = {number for number, _ in place.made[-GENERATIONS:]}
    kept |= set(goods(trial.model, place.made))
    expect(f"{name}: generations that are to be kept", [], sorted(kept - there))
    place.made = [each for each in place.made if each[0] in there]


def _led_to(generation: Path) -> Iterator[Path]:
    """The links to folders of menus, those on shelves too."""
    for link in generation.iterdir():
        if link.is_symlink() and os.readlink(link).startswith("../../shelves/"):
            yield from (each for each in link.iterdir() if each.is_symlink())
        elif link.name not in ("STATE", "MOVING", "+"):
            yield link


def _files(link: Path) -> Iterator[Path]:
    folder = Path(os.path.realpath(link))
    if not folder.is_dir():
        raise Disagreement(f"{link} leads nowhere")
    yield from folder.iterdir()


def stored(trial: Trial) -> None:
    """Artifacts that somebody may need are in the store."""
    store = trial.store()
    for state in needed(trial.model, trial.now):
        for key, doc in state.items():
            if key[0] == "kernel":
                gone = {doc["vmlinuz"], *doc["initrd"]} - store
                expect(f"artifacts of {text_of(key)}", set(), gone)
