"""Time that goes by, sweeping, publishing, and targets that come and go."""

import random
import shutil

from histories.documents import No, State
from histories.drawing import Args
from histories.editing import written
from histories.trial import DONE, LAGS, ORIGINALS, TARGETS, Trial, expect

DAY = 86_400


def run_gc(trial: Trial, args: Args) -> None:
    if args["dry"]:
        with trial.unchanged("gc --dry-run"):
            trial.must("gc", "--dry-run")
    else:
        trial.must("gc")
        if not trial.rule("gc publishes nothing"):
            trial.finish()


def run_lost_index(trial: Trial, _: Args) -> None:
    (trial.site / "cache/index.db").unlink(missing_ok=True)
    trial.said.append("rm site/cache/index.db")


def run_days(trial: Trial, args: Args) -> None:
    trial.now += args["days"] * DAY
    trial.said.append(f"# {args['days']} days pass")


def publish(rng: random.Random, trial: Trial) -> Args | None:
    enabled = list(trial.model.targets())
    named = [rng.choice(enabled)] if enabled and rng.random() < 0.5 else []
    return {"targets": named}


def run_publish(trial: Trial, args: Args) -> None:
    model = trial.model
    enabled = list(model.targets())
    named = [each for each in args["targets"] if each in enabled]
    for name in named or enabled:
        place = model.places[name]
        if named or not place.by_choice:
            model.bring(name, trial.now + 60)
        if named:
            place.by_choice = False
    told = named or enabled
    behind = any(model.condition(name) in ("lagging", "absent") for name in told)
    result = trial.run("publish", *named)
    expect(f"status of publish {result.err}", LAGS if behind else DONE, result.status)


def mount(rng: random.Random, trial: Trial) -> Args | None:
    return {"target": rng.choice(list(TARGETS))} if trial.rule("left behind") else None


def run_mount(trial: Trial, args: Args) -> None:
    """Take a target's disk away, or bring it back."""
    name = args["target"]
    place, root = trial.model.places[name], trial.root(name)
    away = root.with_name(f"{name}.away")
    if place.mounted:
        shutil.rmtree(away, ignore_errors=True)
        root.rename(away)
        root.mkdir()
        trial.said.append(f"mv {name} {name}.away; mkdir {name}")
    else:
        root.rmdir()
        away.rename(root)
        trial.said.append(f"rmdir {name}; mv {name}.away {name}")
    place.mounted = not place.mounted


def run_target_add(trial: Trial, args: Args) -> None:
    name, model = args["target"], trial.model
    document = TARGETS[name] | {"loaders": args["loaders"]}
    words = ["target", "add", name, "--kind", document["kind"]]
    words += ["--root", str(trial.root(name))]
    words += [word for each in document["loaders"] for word in ("--loader", each)]
    for option in ("image", "prefix", "grub_dir"):
        if option in document:
            words += [f"--{option.replace('_', '-')}", document[option]]
    words += ["--replace"] if document.get("replace") else []

    def done(state: State) -> State:
        if ("target", name) in state:
            raise No("it is there")
        made = {"image": None, "prefix": "", "grub_dir": "grub", "enabled": True}
        return state | {("target", name): made | document}

    place = model.places[name]
    if not place.mounted:
        return
    was, had_path, place.has_path = model.tip.number, place.has_path, True
    written(trial, "ann", "target add", words, "commit", done)
    if model.tip.number == was:
        place.has_path = had_path


def run_target_rm(trial: Trial, args: Args) -> None:
    name = args["target"]

    def done(state: State) -> State:
        if ("target", name) not in state:
            raise No("no target")
        return {key: doc for key, doc in state.items() if key != ("target", name)}

    if trial.model.places[name].mounted:
        written(trial, "ann", "target rm", ["target", "rm", name], "commit", done)


def some_target(rng: random.Random, trial: Trial) -> Args | None:
    name = rng.choice(list(TARGETS))
    return {"target": name, "loaders": loaders(rng, name)}


def loaders(rng: random.Random, name: str) -> list[str]:
    """Loaders that a target may have: often all, often one alone."""
    if TARGETS[name]["kind"] == "image":
        return [rng.choice([*ORIGINALS])]
    every = ["pxelinux", "grub", "ipxe"]
    return rng.sample(every, rng.choice((1, 1, 2, 3, 3, 3)))
