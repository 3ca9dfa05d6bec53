"""Drafts committed, planned, dropped, taken back by an edit, settled."""

import random
from typing import Any

from histories.documents import Clash, No, laid
from histories.drawing import Args
from histories.trial import Trial, expect


def with_drafts(rng: random.Random, trial: Trial) -> Args | None:
    users = sorted(trial.model.drafts)
    return {"user": rng.choice(users)} if users else None


def commit(rng: random.Random, trial: Trial) -> Args | None:
    args = with_drafts(rng, trial)
    if args:
        enabled = list(trial.model.targets())
        left = rng.random() < 0.35 and enabled and trial.rule("left behind")
        args |= {
            "without": rng.choice(enabled) if left else None,
            "plan": rng.random() < 0.3,
        }
        args["force"] = rng.random() < 0.15
    return args


def run_commit(trial: Trial, args: Args) -> None:
    user, model = args["user"], trial.model
    words = ["commit", "-m", f"draft of {user} {model.tip.number}"]
    without = [args["without"]] if args["without"] in set(model.targets()) else []
    words += [word for each in without for word in ("--without", each)]
    words += ["--force", "meant so"] if args["force"] else []
    why, state = "", Clash
    try:
        state = laid(model.main, model.merged(user))
        stays = {"force": args["force"], "without": without}
        model.refuse(state, trial.store(), **stays)
    except Clash:
        state = Clash
    except No as no:
        state, why = No, str(no)
    if args["plan"]:
        words += _planned(trial, user, state)
    trial.committing(words, state, "commit", words[2], user, why=why, without=without)
    if isinstance(state, dict):
        model.drafts.pop(user, None)


def _planned(trial: Trial, user: str, state: Any) -> list[str]:
    """Plan first; hold the commit to it, and the plan to what changes."""
    with trial.unchanged("kp plan"):
        result = trial.run("plan", user=user)
    wanted = {Clash: 3}.get(state) if not isinstance(state, dict) else 0
    if wanted is None:  # forced or not, a plan tells more
        return []
    expect(f"status of a plan {result.err}", wanted, result.status)
    return ["--plan", result.json["plan"]] if isinstance(state, dict) else []


def run_discard(trial: Trial, args: Args) -> None:
    before = trial.commit()
    trial.must("discard", user=args["user"])
    expect("main after a discard", before, trial.commit())
    trial.model.drafts.pop(args["user"], None)


def run_undo(trial: Trial, args: Args) -> None:
    before, user = trial.commit(), args["user"]
    known = trial.model.drafts.get(user)
    said = trial.must("undo", user=user)
    expect("main after an undo", before, trial.commit())
    left = len(known.before) - 1 if known else 0
    expect("edits left", left, said.json["left"])
    if known:
        trial.model.undo(user)


def resolve(rng: random.Random, trial: Trial) -> Args | None:
    """A conflict, of a document that the model has whole."""
    model = trial.model
    found = [
        {"user": user, "where": where, "mine": rng.random() < 0.5}
        for user in sorted(model.drafts)
        for where in model.clashes(user)
        if where[0][0] != "kernel"
    ]
    return rng.choice(found) if found else None


def run_resolve(trial: Trial, args: Args) -> None:
    user, where, model = args["user"], args["where"], trial.model
    key, *field = where
    name = "/".join((*key, ".".join(field))) if field else "/".join(key)
    known = where in model.clashes(user)
    before, side = trial.commit(), "--mine" if args["mine"] else "--main"
    said = trial.must("resolve", name, side, user=user, status=0 if known else 1)
    expect("main after a conflict is settled", before, trial.commit())
    if known:
        model.resolve(user, where, mine=args["mine"])
        expect("conflicts left", len(model.clashes(user)), said.json["left"])
