"""`kp schema`: the JSON Schemas of kp's documents."""

import json
from typing import Annotated

import typer

from kpcmd.errors import WrongUsage
from kpcmd.frame import alone, session_of, verb
from kpstore.model.keys import MODELS

app = alone()
apps = {"schema": app}


@verb(app, "schema", "kp schema", "kp schema node")
def schema(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="site, target, image, entry, kernel, node, group, verdict, rollout.",
            autocompletion=lambda: [str(kind) for kind in MODELS],
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of one kind of document, or of all by name."""
    known = {str(kind): document for kind, document in MODELS.items()}
    if model is not None and model not in known:
        raise WrongUsage(f"no model {model!r}", hint=f"there are {', '.join(known)}")
    found = {name: known[name].model_json_schema() for name in known}
    document = found if model is None else found[model]
    session_of(context).out.text(json.dumps(document, indent=2) + "\n")
