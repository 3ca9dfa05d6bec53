"""Per-node variables in parameters: `node_id={node.index}`, `rack={node.var.rack}`."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from kpstore.errors import InvalidInput
from kpstore.model.names import REFERENCE

if TYPE_CHECKING:  # the loaders need this module without pydantic
    from kpstore.model.documents import Node, VariableRule

_REFERENCE: Final = re.compile(REFERENCE)


def used(tokens: Iterable[str]) -> tuple[str, ...]:
    """Return the variables that the tokens refer to, sorted: `index`, `var.rack`."""
    found = {ref[6:-1] for token in tokens for ref in _REFERENCE.findall(token)}
    return tuple(sorted(found))


def value(node: "Node", variable: str) -> str | None:
    """Return the node's value of `index`, `name`, `mac`, `ip`, `image`, `var.X`."""
    if variable.startswith("var."):
        return node.vars.get(variable[4:])
    match variable:
        case "index":
            return None if node.index is None else str(node.index)
        case "mac":
            return node.macs[0] if node.macs else None
        case "ip":
            return node.ips[0] if node.ips else None
        case "image":
            return node.image
        case "name":
            return node.name
    raise KeyError(variable)


def fill(tokens: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Replace every reference by its value; KeyError names an unset variable."""
    return tuple(
        _REFERENCE.sub(lambda match: values[match.group()[6:-1]], token)
        if "{" in token
        else token
        for token in tokens
    )


def split_references(token: str) -> list[tuple[str, str]]:
    """Cut a token into (`text`, …) and (`variable`, name) pieces, in order."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _REFERENCE.finditer(token):
        if match.start() > end:
            pieces.append(("text", token[end : match.start()]))
        pieces.append(("variable", match.group()[6:-1]))
        end = match.end()
    if end < len(token):
        pieces.append(("text", token[end:]))
    return pieces


def check(
    node: "Node", variables: Iterable[str], rules: Mapping[str, "VariableRule"]
) -> None:
    """InvalidInput when the node lacks a variable or has one out of range."""
    for variable in variables:
        text = value(node, variable)
        if text is None:
            raise InvalidInput(
                f"node {node.name} has no {variable}, which its parameters use",
                hint=f"kp node set {node.name} {_option(variable)}",
            )
        _check_range(node, variable, text, rules.get(variable.removeprefix("var.")))


def _check_range(
    node: "Node", variable: str, text: str, rule: "VariableRule | None"
) -> None:
    if rule is None or (rule.minimum is None and rule.maximum is None):
        return
    number = int(text) if re.fullmatch(r"-?\d{1,18}", text) else None
    low, high = rule.minimum, rule.maximum
    if (
        number is None
        or (low is not None and number < low)
        or (high is not None and number > high)
    ):
        bounds = f"{'' if low is None else low}..{'' if high is None else high}"
        raise InvalidInput(
            f"node {node.name}: {variable} is {text}, outside {bounds}",
            hint=f"kp node set {node.name} {_option(variable)}",
        )


def _option(variable: str) -> str:
    if variable.startswith("var."):
        return f"--var {variable[4:]}=VALUE"
    return f"--{variable} VALUE"
