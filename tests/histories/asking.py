"""What kp says when it is asked is what the model says."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from histories.boots import Boot, boot_of, chosen, entry_boot, missing, shape
from histories.documents import (
    State,
    changed,
    image_of,
    names,
    payload,
    text_of,
    verdict_on,
)
from histories.model import inputs
from histories.rules import default_payload
from histories.trial import Disagreement, Trial, expect


def status(trial: Trial) -> None:
    """`kp status` names tip, images and targets as they are."""
    model, main = trial.model, trial.model.main
    said = trial.ask("status")
    expect("status: revision", f"r{model.tip.number}", said["revision"])
    expect("status: commit", model.tip.commit, said["commit"])
    booted: dict[str, int] = {}
    for node in names(main, "node"):
        image = chosen(main, main["node", node])[0]
        booted[image] = booted.get(image, 0) + 1
    expect(
        "status: nodes without image", booted.get("", 0), said["nodes_without_image"]
    )
    for line in said["images"]:
        image = line["image"]
        wanted = {
            "default": main["image", image]["default"],
            "nodes": booted.get(image, 0),
        }
        known = default_payload(main, image)
        wanted["payload"] = known and known[0]
        wanted["verdict"] = known and verdict_on(main, known)
        expect(f"status: image {image}", wanted, {key: line[key] for key in wanted})
    expect(
        "status: images",
        names(main, "image"),
        [each["image"] for each in said["images"]],
    )
    conditions = {name: model.condition(name) for name in names(main, "target")}
    found = {each["target"]: each["condition"] for each in said["targets"]}
    expect("status: targets", conditions, found)
    for each in said["targets"]:
        if each["condition"] in ("live", "lagging"):
            _says_served(trial, each["target"], each["live"])
    absent = {name for name, condition in conditions.items() if condition == "absent"}
    drift = [each for each in said["drift"] if each["target"] not in absent]
    expect("status: drift", [], drift)
    drafts = {user: len(d.changes) for user, d in model.drafts.items() if d.changes}
    found = {each["user"]: each["edits"] for each in said["drafts"] if each["edits"]}
    expect("status: drafts", drafts, found)


def _says_served(trial: Trial, name: str, commit: str) -> None:
    """The commit that a target names has the inputs that the model says."""
    model = trial.model
    number = next((r.number for r in model.history if r.commit == commit), 0)
    place = model.places[name]
    if not number or inputs(model.at(number), name) != inputs(
        model.at(place.serves), name
    ):
        raise Disagreement(
            f"{name} says it serves r{number}, the model says r{place.serves}"
        )


def verify(trial: Trial) -> None:
    """`kp verify` finds nothing, for nothing is amiss."""
    model = trial.model
    result = trial.kp("verify", user="eve")
    expect(
        f"status of verify {result.out} {result.err}",
        6 if model.behind() else 0,
        result.status,
    )
    found = {each["target"]: each["condition"] for each in result.json}
    expect("verify: targets", {n: model.condition(n) for n in model.targets()}, found)
    spoiled = ["spoiled"] * bool(trial.damaged)
    drift = [
        finding
        for each in result.json
        for finding in each["findings"]
        if finding["kind"] not in ("kept", "stays", *spoiled)
        and each["condition"] != "absent"
    ]
    expect("verify: findings", [], drift)
    goes_on = {
        each["target"]
        for each in result.json
        if any(finding["kind"] == "stays" for finding in each["findings"])
    }
    expect("verify: what is booted and not listed", {*model.goes_on()}, goes_on)


def log(trial: Trial) -> None:
    """`kp log` is the history."""
    wanted = [
        (f"r{r.number}", r.commit, r.op, r.author, r.subject)
        for r in reversed(trial.model.history)
    ]
    found = [
        (e["revision"], e["commit"], e["op"], e["author"], e["subject"])
        for e in trial.ask("log")
    ]
    expect("log", wanted, found)


def log_of(trial: Trial, image: str, node: str) -> None:
    """`kp log --image`: what touched it; `--node`: what changed it or its boot."""
    pairs = list(pairwise(trial.model.history))
    for option, key, is_of in (
        ("image", image, _is_of_image),
        ("node", node, _is_of_node),
    ):
        wanted = [
            f"r{new.number}"
            for old, new in reversed(pairs)
            if is_of(old.state, new.state, key)
        ]
        found = [each["revision"] for each in trial.ask("log", f"--{option}", key)]
        expect(f"log --{option} {key}", wanted, found)


def _is_of_image(old: State, new: State, name: str) -> bool:
    return any(image_of(key) == name for key in changed(old, new))


def _is_of_node(old: State, new: State, name: str) -> bool:
    keys = changed(old, new)
    return ("node", name) in keys or (
        bool(keys) and shape(old, name) != shape(new, name)
    )


def show(trial: Trial, number: int) -> None:
    """`kp show` has the documents of a commit, and their fields."""
    model = trial.model
    said = trial.ask("show", f"r{number}")
    if number == 1:
        return
    old, new = model.at(number - 1), model.at(number)
    wanted = {text_of(key) for key in changed(old, new)}
    found = {each["document"] for each in said["changes"]}
    expect(f"show r{number}: documents", wanted, found)
    fields = {
        "node": ("image", "index", "vars", "params", "without", "macs"),
        "entry": ("kernel", "method", "params", "without", "ssi"),
        "group": ("nodes", "params", "without", "priority"),
        "image": ("default", "params"),
    }
    for key in changed(old, new):
        for field in fields.get(key[0], ()):
            was, now = (state.get(key, {}).get(field) for state in (old, new))
            pair = [
                (each["old"], each["new"])
                for each in said["changes"]
                if (each["document"], each["field"]) == (text_of(key), field)
            ]
            expect(
                f"show r{number}: {text_of(key)} {field}",
                [(was, now)] if was != now else [],
                pair,
            )


def why(trial: Trial, node: str) -> None:
    """`kp why` says what a node boots, and who says each parameter."""
    boot = boot_of(trial.model.main, node)
    said = trial.ask("why", node)
    expect(f"why {node}: reason", boot.why, said["reason"])
    _entry(trial, trial.model.main, f"why {node}", boot, said["entry"])
    conditions = {n: trial.model.condition(n) for n in trial.model.targets()}
    found = {each["target"]: each["condition"] for each in said["served"]}
    expect(f"why {node}: targets", conditions, found)


def _entry(trial: Trial, state: Any, about: str, boot: Boot, said: Any) -> None:
    if boot.linux is None:
        if said is not None:
            raise Disagreement(f"{about}: boots {said['entry']}, the model: {boot.why}")
        return
    wanted = {
        "image": boot.image,
        "entry": boot.entry,
        "method": boot.method,
        "payload": boot.payload,
        "verdict": verdict_on(state, payload(state, boot.image, boot.entry)),
        "kernel": boot.linux.kernel,
        "initrd": list(boot.linux.initrds),
        "cmdline": boot.linux.line,
        "params": [list(pair) for pair in boot.said],
    }
    found = {key: said[key] for key in wanted}
    found["kernel"] = said["kernel"]["sha256"]
    found["initrd"] = [each["sha256"] for each in said["initrd"]]
    found["params"] = [[each["token"], each["origin"]] for each in said["params"]]
    expect(about, wanted, found)


def entry_show(trial: Trial, image: str, entry: str, node: str) -> None:
    """`kp entry show --node`, of one who has no draft."""
    main = trial.model.main
    stray = not chosen(main, main["node", node])[0]
    if stray and not trial.rule("groups reach strays"):
        return
    result = trial.kp("entry", "show", image, entry, "--node", node, user="eve")
    about = f"entry show {image} {entry} --node {node}"
    if missing(main, node, image, entry):
        expect(f"status of {about}", 1, result.status)
        return
    expect(f"status of {about} {result.err}", 0, result.status)
    _entry(trial, main, about, entry_boot(main, node, image, entry), result.json)


def at(trial: Trial, number: int, node: str, *, by_time: bool = False) -> None:
    """`kp at` says what a node was to boot."""
    model = trial.model
    revision = model.history[number - 1]
    when = f"r{number}"
    if by_time:
        moment = datetime.fromtimestamp(revision.time, UTC)
        when = moment.strftime("%Y-%m-%d %H:%M:%S")
    result = trial.kp("at", when, "--node", node, user="eve")
    if ("node", node) not in revision.state:
        expect(f"status of at {when} --node {node}", 1, result.status)
        return
    boot = boot_of(revision.state, node)
    expect(f"status of at {when} --node {node} {result.err}", 0, result.status)
    expect(f"at {when}", f"r{number}", result.json["revision"])
    expect(f"at {when}: reason", boot.why, result.json["reason"])
    _entry(trial, revision.state, f"at {when} {node}", boot, result.json["entry"])
