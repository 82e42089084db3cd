"""What the commands `ecsnet data` share: which store, which match, when, and how the answer is printed."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import click

from ecsnet.asking.output import Output
from ecsnet.errors import EcsnetError
from ecsnet.options import FILE
from ecsnet.storage.moments import Moment
from ecsnet.storage.opening import open_store
from ecsnet.storage.questions import LAST
from ecsnet.storeoptions import NO_STORE, STORE_VARIABLE
from ecsnet.tables import Form

__all__ = ["MOMENT", "match_argument", "output_options", "store_option"]

F = TypeVar("F", bound=Callable[..., object])

STANDARD_OUTPUT = Path("-")
STORE_FILES = "*.ecsnet.db"  # as `ecsnet serve` names them

match_argument = click.argument("match_text", metavar="[MATCH]", default=LAST)


class MomentType(click.ParamType):  # type: ignore[type-arg]  # older versions of click have it without
    """A time of the match, or a date."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        """Read it; what is neither is a mistake in the command."""
        try:
            return Moment.parse(str(value))
        except EcsnetError as error:
            self.fail(str(error), param, ctx)


MOMENT = MomentType()


def store_option(command: F) -> F:
    """Add which store to ask; the command is given the open `Store`."""

    @functools.wraps(command)
    def with_store(*args: object, store: str | None, **kwargs: object) -> object:
        if store == NO_STORE:
            raise EcsnetError(f"there is no store: it is {NO_STORE}, by --store or {STORE_VARIABLE}")
        opened = open_store(store or find_store(), create=False)
        click.get_current_context().call_on_close(opened.close)
        return command(*args, store=opened, **kwargs)

    option = click.option(
        "--store",
        metavar="FILE|mongodb://...",
        envvar=STORE_VARIABLE,
        help=f"Where it was kept.  [or set {STORE_VARIABLE}; default: the only {STORE_FILES} here]",
    )
    return cast("F", option(with_store))


def find_store() -> str:
    """Return the only store in the current folder, and say which it is.

    Raises:
        EcsnetError: There is none, or several are there.
    """
    found = sorted(path.name for path in Path.cwd().glob(STORE_FILES))
    if len(found) != 1:
        problem = f"there are {', '.join(found)}" if found else f"there is no {STORE_FILES} in {Path.cwd()}"
        raise EcsnetError(f"{problem}: name the store, --store FILE or --store mongodb://...")
    click.echo(f"asking {found[0]}", err=True)
    return found[0]


def output_options(command: F) -> F:
    """Add how the answer is printed; the command is given an `Output`."""

    @functools.wraps(command)
    def with_output(*args: object, as_json: bool, as_csv: bool, path: Path | None, **kwargs: object) -> object:
        if as_json and as_csv:
            raise click.UsageError("--json and --csv: one of them")
        path = None if path == STANDARD_OUTPUT else path
        output = Output(Form.JSON if as_json else Form.CSV if as_csv else Form.TABLE, path)
        click.get_current_context().call_on_close(output.progress.clear)  # an error gets a line of its own
        return command(*args, output=output, **kwargs)

    added: Callable[..., object] = with_output
    for option in (
        click.option("-o", "--output", "path", type=FILE, help="Write to FILE.  [default: -, standard output]"),
        click.option("--csv", "as_csv", is_flag=True, help="For spreadsheets: texts are kept from being formulas."),
        click.option("--json", "as_json", is_flag=True, help="Lines of JSON, one for each row."),
    ):
        added = option(added)
    return cast("F", added)
