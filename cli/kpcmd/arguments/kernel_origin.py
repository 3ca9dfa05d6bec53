"""Where a kernel comes from: exactly one origin, of those that the registry has."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from kpcmd.arguments.committing import ForcibleCommand
from kpcmd.context import Session
from kpcmd.errors import WrongUsage
from kpcmd.views.kernels import taking_in
from kpstore.errors import Refused
from kpstore.kernels.contract import Given, KernelOrigin, Option
from kpstore.kernels.gather import Gathered
from kpstore.kernels.registry import LATER, ORIGINS
from kpstore.model.documents import Image
from kpstore.picker import KernelPicker

_KEPT: Final = "origin"  # in the context: option -> value


@dataclass(frozen=True)
class GivenOrigin:
    """The origin that was given, and what was given to it: option -> values.

    Without `modules` its modules stay where they are.
    """

    origin: KernelOrigin
    options: Mapping[str, tuple[str, ...]]
    modules: bool = True

    @classmethod
    def of(cls, context: typer.Context, *, modules: bool) -> "GivenOrigin":
        """Read the options; WrongUsage unless there is one origin.

        Refused for one that is to come.
        """
        options: dict[str, tuple[str, ...]] = context.meta.get(_KEPT, {})
        origins = {each.option.name: each for each in ORIGINS}
        given = [name for name in (*LATER, *origins) if name in options]
        if len(given) != 1:
            shown = f"not {' and '.join(given)}" if given else "none was given"
            *most, last = (each.usage for each in ORIGINS)
            raise WrongUsage(
                f"a kernel has exactly one origin, {shown}",
                hint=f"{', '.join(most)}, or {last}",
            )
        if given[0] in LATER:
            raise Refused(
                f"{given[0]}: kp can't take {LATER[given[0]]} yet",
                hint="unpack it, then --files KERNEL --initrd F --modules DIR",
            )
        _check_beside(origins[given[0]], options)
        if not modules and "--modules" in options:
            raise WrongUsage(
                "--modules and --no-modules contradict each other",
                hint="leave one of them out",
            )
        return cls(origins[given[0]], options, modules)

    def take(
        self,
        session: Session,
        opened: KernelPicker,
        name: str,
        image: Image,
        *,
        mismatch: bool,
    ) -> Gathered:
        """Take the kernel in; what doesn't belong together is refused by name."""
        tree = opened.site.settings.trees.get(name)
        (value,) = self.options[self.origin.option.name]
        beside = {
            each.name: self.options.get(each.name, ()) for each in self.origin.beside
        }
        with taking_in(session) as (progress, before):
            return opened.intake.take(
                image,
                self.origin.open(Given(value, beside, name, tree)),
                tree,
                modules=self.modules,
                force_mismatch=mismatch,
                progress=progress,
                before=before,
            )


def _check_beside(origin: KernelOrigin, options: Mapping[str, object]) -> None:
    """WrongUsage for an option that goes with another origin."""
    for other in ORIGINS:
        names = [each.name for each in other.beside]
        if other is not origin and not options.keys().isdisjoint(names):
            raise WrongUsage(
                f"{', '.join(names[:-1])} and {names[-1]} go with {other.option.name}",
                hint=f"kp kernel add IMAGE {other.usage}",
            )


def _remember(context: typer.Context, option: typer.CallbackParam, value: Any) -> None:
    """Keep what an option was given, if it was."""
    values = value if isinstance(value, (list, tuple)) else (value,)
    given = tuple(str(each) for each in values if each is not None)
    if given:
        context.meta.setdefault(_KEPT, {})[option.opts[0]] = given


def _parameter(option: Option) -> Parameter:
    """Return the parameter of a function that typer makes the option of."""
    kind: Any = Path if option.is_path else str
    declared = typer.Option(
        option.name,
        metavar=option.metavar,
        help=option.help,
        callback=_remember,
        expose_value=False,
    )
    return Parameter(
        option.name.strip("-").replace("-", "_"),
        Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            list[kind] | None if option.repeated else kind | None, declared
        ],
    )


def _declared() -> list[Any]:
    """Return the options of all origins, as the command line library has them."""

    def options(**_given: Any) -> None:
        """Declare the options."""

    every = [option for each in ORIGINS for option in (each.option, *each.beside)]
    every += [Option(name, "…", "Not yet.", is_path=False) for name in LATER]
    parameters = [_parameter(option) for option in every]
    vars(options)["__signature__"] = Signature(parameters)
    options.__annotations__ = {each.name: each.annotation for each in parameters}
    app = typer.Typer(add_completion=False)
    app.command()(options)
    return typer.main.get_command(app).params


class TakingCommand(ForcibleCommand):
    """A verb that takes a kernel in; its origins come behind its arguments."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        at = sum(each.param_type_name == "argument" for each in self.params)
        self.params[at:at] = _declared()
