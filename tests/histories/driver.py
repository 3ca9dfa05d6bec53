"""Random histories: drawn from a seed, held together step by step, made short.

A history is a list of steps, each a kind with its arguments, so that it can be told
again without some of them. What a step names is looked up when it is run.
"""

import random
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from histories import asking, looking
from histories.documents import names
from histories.drawing import TOKENS, VARIABLES, mac
from histories.kernels import RELEASES
from histories.trial import Disagreement, Trial
from histories.upkeep import loaders
from histories.verbs import VERBS

Step = tuple[str, dict[str, Any]]
LENGTH = 25
_UNASKED = 0.6
_AFTER = ("gc", "publish", "mount", "damage")  # main is as it was; much else is not


@dataclass
class Failure:
    """A history that ends in a disagreement."""

    seed: int
    steps: list[Step]
    text: str
    said: list[str]

    def __str__(self) -> str:
        lines = "\n  ".join(self.said)
        return f"seed {self.seed}, {len(self.steps)} steps:\n  {lines}\n{self.text}"


@dataclass
class Told:
    """What was done in histories that agreed."""

    steps: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """How many commands ended how."""
        named = sorted(self.statuses.items())
        return ", ".join(f"{count:,} ended by {status}" for status, count in named)


def setting_out(rng: random.Random) -> list[Step]:
    """The first day, in one draft: an image or two, kernels, entries, nodes, groups."""
    images = rng.sample(("web", "db"), rng.choice((1, 2)))
    steps = [step for image in images for step in _an_image(rng, image)]
    for number in rng.sample(range(1, 9), rng.randint(3, 6)):
        node = {
            "node": f"n{number}",
            "macs": [mac(number)],
            "image": rng.choice(images),
        }
        node |= {"index": number, "vars": {"rack": f"r{number % 3}"}, "add": []}
        steps.append(_edit("node add", **node))
    group = {"group": "g1", "nodes": "n1,n2,n3,n4", "priority": 1, "remove": []}
    group["future"] = True
    steps.append(_edit("group add", **group, add=[rng.choice(VARIABLES + TOKENS)]))
    steps.append(
        ("commit", {"user": "ann", "without": None, "plan": False, "force": False})
    )
    for name in ("boot1", "boot2", f"disk-{images[0]}"):
        if name == "boot1" or rng.random() < 0.5:
            args = {"target": name, "loaders": loaders(rng, name)}
            steps.insert(rng.choice((0, len(steps))), ("target add", args))
    return [step for step in steps if "disk" not in step[1].get("target", "")] + [
        step for step in steps if "disk" in step[1].get("target", "")
    ]


def _an_image(rng: random.Random, image: str) -> Iterator[Step]:
    """An image with two kernels and an entry."""
    yield _edit("image add", image=image, params=["root=/dev/sda1"])
    for number, release in enumerate(rng.sample(RELEASES, 2), 1):
        args = {"image": image, "name": f"k{number}", "release": release, "build": 0}
        args |= {"initrd": 0, "replace": False, "user": "ann", "manner": "draft"}
        yield "kernel add", args
    entry = {"image": image, "entry": "a", "kernel": "k1", "method": None, "like": None}
    entry |= {"params": ["panic=10", *rng.sample(VARIABLES, 1)], "ssi": None}
    yield _edit("entry add", **entry, default=False, add=[], remove=[])


def _edit(kind: str, **args: Any) -> Step:
    made = {
        "kind": kind,
        "user": "ann",
        "manner": "draft",
        "force": False,
        "edit": args,
    }
    return "edit", made


@contextmanager
def place() -> Iterator[Path]:
    """An empty directory, in memory where the machine has such a place."""
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() else None
    where = Path(tempfile.mkdtemp(prefix="kp-history-", dir=base)).resolve()
    try:
        yield where
    finally:
        shutil.rmtree(where)


def history(
    seed: int,
    length: int = LENGTH,
    told: Told | None = None,
    often: Mapping[str, float] = MappingProxyType({}),
) -> Failure | None:
    """Tell one history; a Failure where something disagrees.

    `often`: kinds of steps and edits that are drawn more often, and how much.
    """
    rng = random.Random(seed)
    steps = setting_out(rng)
    with place() as where:
        trial = Trial(where, time.time(), often=often)
        failure = _told(trial, seed, steps)
        for _ in range(length):
            if failure:
                break
            step = _drawn(rng, trial)
            steps.append(step)
            failure = _told(trial, seed, [step], len(steps))
            if told is not None:
                told.steps[_name(step)] += 1
        if told is not None:
            ends = (line.rpartition("    # ")[2] for line in trial.said)
            told.statuses.update(each for each in ends if each.isdigit())
    if failure is None:
        return None
    return Failure(seed, steps, failure.text, failure.said)


def _name(step: Step) -> str:
    return str(step[1]["kind"]) if step[0] == "edit" else step[0]


def _drawn(rng: random.Random, trial: Trial) -> Step:
    weights = [verb.weight * trial.often.get(kind, 1) for kind, verb in VERBS.items()]
    while True:
        kind = rng.choices(list(VERBS), weights)[0]
        args = VERBS[kind].draw(rng, trial)
        if args is not None:
            return kind, args


def _told(trial: Trial, seed: int, steps: list[Step], salt: int = 0) -> Failure | None:
    """Run steps and hold everything together after each."""
    for number, (kind, args) in enumerate(steps, salt):
        before = trial.model.tip.number
        try:
            VERBS[kind].run(trial, args)
            moved = trial.model.tip.number > before or kind in _AFTER
            hold(trial, random.Random(f"{seed} {number}"), moved=moved)
        except Disagreement as disagreement:
            return Failure(seed, steps, str(disagreement), trial.said)
        except Exception:  # kp never lets one through: in model, reader, or kp
            return Failure(seed, steps, traceback.format_exc(), trial.said)
    return None


def hold(trial: Trial, rng: random.Random, *, moved: bool) -> None:
    """Ask reader, model and kp; some questions of a node or two only.

    What came of a step that left main as it was is asked of some such steps.
    """
    if not moved and rng.random() < _UNASKED:
        return
    looking.served(trial)
    looking.stored(trial)
    asking.status(trial)
    asking.verify(trial)
    main = trial.model.main
    newest = trial.model.tip.number
    if moved:
        asking.log(trial)
        asking.show(trial, newest)
    nodes, images = names(main, "node"), names(main, "image")
    for node in rng.sample(nodes, min(2, len(nodes))):
        asking.why(trial, node)
    if nodes and images:
        node, image = rng.choice(nodes), rng.choice(images)
        entries = names(main, "entry", image)
        if entries:
            asking.entry_show(trial, image, rng.choice(entries), node)
        asking.at(trial, rng.randint(1, newest), node, by_time=rng.random() < 0.3)
        if rng.random() < 0.2:
            asking.log_of(trial, image, node)


def again(seed: int, steps: Collection[Step]) -> Failure | None:
    """Tell steps anew on a new site."""
    with place() as where:
        steps = list(steps)
        for number in range(len(steps)):
            if number == 0:
                trial = Trial(where, time.time())
            failure = _told(trial, seed, [steps[number]], number)
            if failure:
                return Failure(seed, steps[: number + 1], failure.text, failure.said)
    return None


def shortened(failure: Failure, tries: int = 120) -> Failure:
    """Leave out steps for as long as the rest still disagrees about the same."""
    about = _about(failure)
    best, size = failure, max(1, len(failure.steps) // 2)
    while size and tries:
        at, smaller = 0, False
        while at < len(best.steps) and tries:
            fewer = best.steps[:at] + best.steps[at + size :]
            tries -= 1
            found = again(best.seed, fewer)
            if found and _about(found) == about:
                best, smaller = found, True
            else:
                at += size
        if not smaller:
            size //= 2
    return best


def _about(failure: Failure) -> str:
    """What a failure is about: its first words."""
    line = failure.text.splitlines()[-1 if "Traceback" in failure.text else 0]
    return line.split(":")[0].split(" ")[0]
