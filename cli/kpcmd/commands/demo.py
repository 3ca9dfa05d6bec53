"""`kp demo`: the whole story on made-up nodes, without root or network."""

import tempfile
from contextlib import ExitStack, redirect_stdout
from dataclasses import replace
from pathlib import Path
from shlex import join
from sys import stderr
from typing import Annotated

import typer

from kpcmd.app import main
from kpcmd.context import Session, Signals
from kpcmd.demo.cluster import make
from kpcmd.demo.story import Boots, Command, Step, Told, boots, story
from kpcmd.errors import FAILED
from kpcmd.frame import alone, session_of, verb
from kpstore.errors import Refused

app = alone()
apps = {"demo": app}


@verb(app, "demo", "kp demo", "kp demo /srv/kp-demo")
def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="An empty directory; else a new one."),
    ] = None,
) -> int:
    """Tell the whole story: forty nodes, a kernel, a bad kernel, the way back.

    It leaves a site to play with. Nothing else on this machine is touched.
    """
    session = session_of(context)
    place = _empty(folder)
    make(place)
    session.out.say(f"$ cd {place}; export KP_SITE=site")
    with ExitStack() as stack:
        if session.as_json:  # stdout is for the one document
            stack.enter_context(redirect_stdout(stderr))
        for step in story(place):
            if not _done(session, place, step):
                return FAILED
    document = {"directory": str(place), "site": str(place / "site")}
    session.out.answer(document, _worth_trying(place))
    return 0


def _empty(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="kp-demo-"))
    place = folder.absolute()
    place.mkdir(parents=True, exist_ok=True)
    if any(place.iterdir()):
        raise Refused(f"{place} is not empty", hint="kp demo NEW-DIRECTORY")
    return place


def _done(session: Session, place: Path, step: Step) -> bool:
    """Carry out one step; tell whether it went as the story has it."""
    match step:
        case Told(text):
            session.out.say("")
            session.out.say(f"# {text}")
        case Boots(image):
            session.out.say("")
            session.out.say(f"# {boots(place, image)}")
        case Command(words, expected):
            shown = join(words).replace(f"{place}/", "")
            session.out.say(f"$ kp {shown}")
            world = replace(
                session.world,
                site=place / "site",
                terminal=False,
                signals=Signals(),
            )
            return main(words, world) == expected
    return True


def _worth_trying(place: Path) -> list[str]:
    return [
        "",
        f"A site to play with is in {place}. Worth trying:",
        f"  cd {place}; export KP_SITE=site",
        "  kp why n07                 what a node boots next, and why",
        "  kp diff r3 r4 --rendered   what the bad kernel changed, byte by byte",
        "  kp rollback web            a second person at 3 a.m.: nothing happens twice",
    ]
