"""Rollbacks, reverts, and the verdicts that lead there."""

import random

from histories.documents import (
    Clash,
    No,
    State,
    changed,
    judge,
    laid,
    merged_changes,
    names,
    payload,
)
from histories.drawing import IMAGES, Args, some
from histories.editing import USERS
from histories.rules import default_payload
from histories.trial import Trial


def rollback(rng: random.Random, trial: Trial) -> Args | None:
    images = names(trial.model.main, "image")
    image = some(rng, images, IMAGES)
    if image is None:
        return None
    return {
        "image": image,
        "back": rng.randint(1, 12) if rng.random() < 0.4 else None,
        "blame": rng.choices((None, True, False), (6, 1, 1))[0],
        "user": rng.choice(USERS),
    }


def run_rollback(trial: Trial, args: Args) -> None:
    model, image, user = trial.model, args["image"], args["user"]
    words = ["rollback", image, "-m", f"back {model.tip.number}"]
    to = None
    if args["back"] is not None:
        to = max(1, model.tip.number - args["back"])
        words += ["--to", f"r{to}"]
    if args["blame"] is not None:
        words.append("--blame" if args["blame"] else "--no-blame")
    blame = args["blame"] if to is None else bool(args["blame"])
    said = _said(trial, user, f"r{model.tip.number}", words[3])
    before, served = model.main, default_payload(model.main, image)
    state, why = before, ""
    try:
        found = model.goes_back(image, to, trial.store())
        if found:
            state = model.rolled_back(image, found[1], said, blame=blame)
    except No as no:
        state, why = No, str(no)

    def reaches(target: str) -> bool:
        """Left behind or disabled, and it serves what is rolled away from."""
        place, document = model.places[target], model.main["target", target]
        if document["image"] not in (None, image) or not place.serves:
            return False
        left = served and served != default_payload(model.main, image)
        return bool(left) and default_payload(model.at(place.serves), image) == served

    moved = trial.committing(
        words, state, "rollback", words[3], user, why=why, reaches=reaches
    )
    if isinstance(state, dict) and not moved:
        trial.finish()  # main is where it should be; so are the targets then


def _said(trial: Trial, user: str, revision: str, reason: str) -> Args:
    return {"since": trial.now + 60, "revision": revision, "by": user, "reason": reason}


def revert(rng: random.Random, trial: Trial) -> Args | None:
    return {"back": rng.randint(0, 6), "user": rng.choice(USERS)}


def run_revert(trial: Trial, args: Args) -> None:
    model = trial.model
    number = max(1, model.tip.number - args["back"])
    subject = f"undo r{number}"
    why, state = "", No
    try:
        if number > 1:
            state = _reverted(trial, number)
            model.refuse(state, trial.store())
    except Clash:
        state = Clash
    except No as no:
        state, why = No, str(no)
    trial.committing(
        ["revert", f"r{number}", "-m", subject],
        state,
        "revert",
        subject,
        args["user"],
        why=why,
    )


def _reverted(trial: Trial, number: int) -> State:
    """Main without what one commit changed; verdicts stay."""
    model = trial.model
    undone, before = model.at(number), model.at(number - 1)
    kinds = {key[0] for key in changed(undone, before)}
    if kinds == {"verdict"}:
        raise No("it gave a verdict")
    back = {
        key: doc
        for key, doc in changed(undone, before).items()
        if key[0] != "verdict" or not trial.rule("revert keeps verdicts")
    }
    return laid(model.main, merged_changes(undone, model.main, back))


def verdict(rng: random.Random, trial: Trial) -> Args | None:
    main = trial.model.main
    image = some(rng, [i for i in names(main, "image") if names(main, "entry", i)])
    if image is None:
        return None
    entry = rng.choice(names(main, "entry", image)) if rng.random() < 0.3 else None
    return {
        "word": rng.choices(("good", "bad"), (3, 1))[0],
        "image": image,
        "entry": entry,
        "back": rng.randint(0, 5) if rng.random() < 0.2 else None,
        "user": rng.choice(USERS),
    }


def run_verdict(trial: Trial, args: Args) -> None:
    model, image = trial.model, args["image"]
    number = max(1, model.tip.number - (args["back"] or 0))
    subject = f"{args['word']} {model.tip.number}"
    words = [args["word"], image, *([args["entry"]] if args["entry"] else [])]
    words += [
        "-m",
        subject,
        *(["--rev", f"r{number}"] if args["back"] is not None else []),
    ]
    state, why, then = dict(model.main), "", model.at(number)
    try:
        entry = args["entry"] or then["image", image]["default"]
        of = payload(then, image, entry)
        said = _said(trial, args["user"], f"r{number}", subject)
        judge(state, of, args["word"], image, said)
    except KeyError as error:
        state, why = No, str(error)
    trial.committing(
        words,
        state,
        args["word"],
        subject,
        args["user"],
        why=why,
        publishes=not trial.rule("verdicts publish nothing"),
    )
