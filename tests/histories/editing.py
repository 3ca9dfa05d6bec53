"""Edits carried out: at once, into a draft, as a dry run, or cut off in the middle."""

import random
from collections.abc import Callable, Collection
from typing import Any

from histories.documents import Clash, No, State
from histories.drawing import Args
from histories.kinds import EDITS, WEIGHTS
from histories.trial import Disagreement, Trial, expect

USERS = ("ann", "bob")
FORCIBLE = ("default", "entry set", "entry add", "next")


def drawn_edit(rng: random.Random, trial: Trial) -> Args | None:
    """An edit of any kind, by a person."""
    weights = [each * trial.often.get(kind, 1) for kind, each in WEIGHTS.items()]
    kind = rng.choices(list(WEIGHTS), weights)[0]
    user = rng.choice(USERS)
    manner = rng.choices(("commit", "draft", "dry"), (6, 3, 0.4))[0]
    if kind == "next" and manner == "draft":
        manner = "commit"
    if kind.startswith("target") and manner == "draft" and rng.random() < 0.7:
        manner = "commit"
    state = trial.model.drafted(user) if manner == "draft" else trial.model.main
    args = EDITS[kind].draw(rng, state)
    if args is None or (kind in ("image rm", "group rm") and None in args.values()):
        return None
    force = rng.random() < 0.1 and kind in FORCIBLE
    return {"kind": kind, "user": user, "manner": manner, "force": force, "edit": args}


def run_edit(trial: Trial, args: Args) -> None:
    kind, user = args["kind"], args["user"]
    edit = EDITS[kind]
    words = edit.words(args["edit"])
    if args["force"]:
        words += ["--force", "meant so"]
    written(
        trial,
        user,
        kind,
        words,
        args["manner"],
        lambda s: edit.done(s, args["edit"]),
        force=args["force"],
    )


def written(
    trial: Trial,
    user: str,
    kind: str,
    words: list[str],
    manner: str,
    done: Callable[[State], State],
    *,
    force: bool = False,
    brings: Collection[str] = (),
) -> None:
    """Edit the draft, or main; or only look."""
    if manner == "draft":
        _drafted(trial, user, words, done)
        return
    subject = f"{kind} {trial.model.tip.number}"
    main, model = trial.model.main, trial.model
    why = ""
    state: Any
    try:
        state = done(main)
        if kind != "next":
            model.refuse_clashing(user, state)
        model.refuse(state, trial.store() | {*brings}, force=force)
    except Clash:
        state = Clash
    except No as no:
        state, why = No, str(no)
    if manner == "dry":
        _looked(trial, [*words, "-m", subject, "-n"], user, state)
        return
    trial.committing([*words, "-m", subject], state, kind, subject, user, why=why)


def _looked(trial: Trial, words: list[str], user: str, state: Any) -> None:
    """A dry run is refused where the commit would be, and writes nothing."""
    wanted = (1, 2) if state is No else (3,) if state is Clash else (0,)
    with trial.unchanged(" ".join(words)):
        result = trial.run(*words, user=user)
    if result.status not in wanted:
        raise Disagreement(f"{words}: {result.status}, model: {wanted}: {result.err}")


def _drafted(trial, user, words, done) -> None:
    try:
        state = done(trial.model.drafted(user))
    except No as no:
        result = trial.run(*words, user=user)
        if result.status not in (1, 2):
            raise Disagreement(f"the model refuses ({no}): {trial.said[-1]}") from None
        return
    before = trial.commit()
    trial.must(*words, user=user)
    expect("main after a draft's edit", before, trial.commit())
    trial.model.save(user, state)


def drawn_killed(rng: random.Random, trial: Trial) -> Args | None:
    if not trial.rule("left behind"):
        return None
    args = drawn_edit(rng, trial)
    if args is None or args["kind"].startswith("target"):
        return None
    return args | {"manner": "commit"}


def run_killed(trial: Trial, args: Args) -> None:
    """An edit whose process is killed at its commit point: no target follows."""
    edit, model, user = EDITS[args["kind"]], trial.model, args["user"]
    subject = f"{args['kind']} {model.tip.number}"
    words = [*edit.words(args["edit"]), "-m", subject]
    try:
        state = edit.done(model.main, args["edit"])
        if args["kind"] != "next":
            model.refuse_clashing(user, state)
        model.refuse(state, trial.store())
    except (No, Clash):
        return
    before = trial.commit()
    if not trial.killed(*words, user=user):
        expect(
            "main of a command that ended before its commit point",
            before,
            trial.commit(),
        )
        return
    model.commit(state, trial.now, args["kind"], user, subject, publishes=False)
    model.tip.commit = trial.commit()
    for place in map(model.places.get, model.targets()):
        if place and model.condition(place.name) == "lagging" and not place.by_choice:
            place.made.append(
                (model.tip.number, trial.now)
            )  # staged, never switched to
