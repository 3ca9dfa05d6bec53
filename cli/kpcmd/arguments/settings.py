"""The options of `kp site set`: what they mean, and how values are written again."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final, get_args

import typer

from kpcmd.errors import WrongUsage
from kpstore.edits.site import Kinds
from kpstore.model.documents import Retention, Site, VariableRule
from kpstore.model.params.rules import NEWEST

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME: Final = re.compile(r"(\d{1,18})([smhd]?)")
_RANGE: Final = re.compile(r"(-?\d{1,18})?\.\.(-?\d{1,18})?")

POLICIES: Final = get_args(Site.model_fields["unknown_nodes"].annotation)

Many = list[str] | None
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="The site's name.")
]
ConfirmAbove = Annotated[
    int | None,
    typer.Option(
        "--confirm-above",
        metavar="N",
        min=0,
        help="Nodes that a commit may change unasked.",
    ),
]
Kept = Annotated[
    Many,
    typer.Option(
        "--retention",
        metavar="KEY=N",
        help="What is kept: generations=N, known_good=N, grace=TIME (12h, 2d).",
    ),
]
Variables = Annotated[
    Many,
    typer.Option(
        "--variable",
        metavar="NAME=RULES",
        help="What a variable of nodes must be: unique, LOW..HIGH, or both by a comma.",
    ),
]
RemoveVariables = Annotated[
    Many,
    typer.Option(
        "--remove-variable", metavar="NAME", help="A variable without a rule again."
    ),
]
UnknownNodes = Annotated[
    str | None,
    typer.Option(
        "--unknown-nodes",
        metavar="POLICY",
        help=f"What nodes boot that kp doesn't know: {' or '.join(POLICIES)}.",
    ),
]

ParamsTable = Annotated[
    int | None,
    typer.Option(
        "--params-table",
        metavar="N",
        min=1,
        max=NEWEST,
        help=f"Which table says how parameters of layers merge: 1 to {NEWEST}.",
    ),
]
Append = Annotated[
    Many,
    typer.Option("--append", metavar="KEY", help="A parameter whose values add up."),
]
Replace = Annotated[
    Many,
    typer.Option(
        "--replace", metavar="KEY", help="One of which a later layer's takes the place."
    ),
]
Together = Annotated[
    Many,
    typer.Option(
        "--together",
        metavar="KEYS",
        help="Some that a later layer replaces together: 'ro rw'.",
    ),
]
ByTable = Annotated[
    Many,
    typer.Option(
        "--by-table", metavar="KEY", help="One that goes by the table alone again."
    ),
]


def kinds_of(append: Many, replace: Many, together: Many, by_table: Many) -> Kinds:
    """Return the kinds that keys are given; a set is written with blanks."""
    sets = [tuple(keys.split()) for keys in together or ()]
    for keys in sets:
        if not keys[1:]:
            raise WrongUsage(
                f"--together {' '.join(keys)!r} is no set",
                hint="kp site set --together 'ro rw'",
            )
    return Kinds(
        tuple(append or ()), tuple(replace or ()), tuple(sets), tuple(by_table or ())
    )


def retention_of(given: Iterable[str]) -> dict[str, int]:
    """Return what `--retention KEY=VALUE` says; `grace` is a time: 3600, 12h, 2d."""
    found: dict[str, int] = {}
    for text in given:
        key, _, value = text.partition("=")
        name = key.replace("-", "_")
        match = _TIME.fullmatch(value)
        if name not in Retention.model_fields or not match:
            raise WrongUsage(
                f"--retention {text!r} says nothing about what is kept",
                hint="generations=N, known_good=N, grace=SECONDS (or 12h, 2d)",
            )
        if match[2] and name != "grace":
            raise WrongUsage(f"--retention {text!r}: {name} is a number, not a time")
        found[name] = int(match[1]) * _UNITS[match[2]]
    return found


def rules_of(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what `--variable NAME=RULE,RULE` says: `unique`, `LOW..HIGH`, or both."""
    return {
        name: _rule(text, [each for each in rules.split(",") if each])
        for text in given
        for name, _, rules in [text.partition("=")]
    }


def _rule(text: str, rules: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for rule in rules:
        if rule == "unique":
            fields["unique"] = True
        elif match := _RANGE.fullmatch(rule):
            low, high = (None if each is None else int(each) for each in match.groups())
            fields |= {"minimum": low, "maximum": high}
        else:
            raise WrongUsage(
                f"--variable {text!r}: {rule!r} is no rule",
                hint="unique, or a range: 0..4095, 1.., ..9; both by a comma",
            )
    return fields


def rule_text(rule: VariableRule) -> str:
    """Write a rule as `--variable` takes it; empty for none."""
    low, high = ("" if each is None else each for each in (rule.minimum, rule.maximum))
    bounds = f"{low}..{high}"
    return ",".join(["unique"] * rule.unique + [bounds] * (bounds != ".."))


def time_text(seconds: int) -> str:
    """Write a time in its largest whole unit: `2d`, `36h`, `90s`."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"
