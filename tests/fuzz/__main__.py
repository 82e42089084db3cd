"""`python -m tests.fuzz`: a million inputs into every way in; `... replay TARGET HEX...`: a few of them again."""

import importlib
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tests.fuzz import engine
from tests.fuzz.targets import TARGETS

PROGRESS_SECONDS = 5.0


@click.group(invoke_without_command=True)
@click.option("--inputs", default=1_000_000, show_default=True, help="How many, over all targets.")
@click.option("--seed", default=0, show_default=True, help="Other seeds find other things.")
@click.option("--target", "names", multiple=True, type=click.Choice(list(TARGETS)), help="Only this one; repeatable.")
@click.pass_context
def main(context: click.Context, inputs: int, seed: int, names: tuple[str, ...]) -> None:
    """Look for inputs that raise, hang, or break what a target asserts."""
    if context.invoked_subcommand:
        return
    chosen = {name: TARGETS[name] for name in names or TARGETS}
    total = sum(entry.share for entry in chosen.values())
    failed = done = 0
    for name, entry in chosen.items():
        with _in_silence():
            report = _run(name, entry, round(inputs * entry.share / total), seed)
        failed += len(report.failures)
        done += report.inputs
    click.echo(f"{done:,} inputs, {failed} failures")
    sys.exit(failed > 0)


@contextmanager
def _in_silence() -> Iterator[None]:
    """Log nothing: a server warns of every peer it closes. Afterwards others may, who run in the same process."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _run(name: str, entry: engine.Entry, count: int, seed: int) -> engine.Report:
    began = shown = time.monotonic()

    def progress(report: engine.Report) -> None:
        nonlocal shown
        if time.monotonic() >= shown + PROGRESS_SECONDS:
            shown = time.monotonic()
            click.echo(f"  {name}: {report.inputs:,} of {count:,}", err=True)

    report = engine.run(entry, count, seed, progress=progress)
    seconds = time.monotonic() - began
    click.echo(
        f"{name:24} {report.inputs:9,} inputs in {report.sessions:7,} sessions, {seconds:6.1f} s, "
        f"slowest {report.slowest_seconds * 1000:5.1f} ms, {len(report.failures)} failures"
    )
    for failure in report.failures:
        click.echo(f"\n{failure.what}\npython -m tests.fuzz replay {name!r} {' '.join(map(_hex, failure.inputs))}\n")
    return report


def _hex(data: bytes) -> str:
    return data.hex() or "-"


@main.command()
@click.argument("target", type=click.Choice(list(TARGETS)))
@click.argument("inputs", nargs=-1, required=True)
def replay(target: str, inputs: tuple[str, ...]) -> None:
    """Feed inputs, in hex ("-": an empty one), to a new session of TARGET."""
    what = engine.replay(TARGETS[target], [bytes.fromhex("" if each == "-" else each) for each in inputs])
    click.echo(what or "nothing goes wrong")
    sys.exit(bool(what))


@main.command()
@click.argument("target", type=click.Choice(list(TARGETS)))
@click.argument("options", nargs=-1)
def guided(target: str, options: tuple[str, ...]) -> None:
    """Let atheris look for new paths through TARGET, one input a session; OPTIONS are libFuzzer's, after `--`.

    It is not among our dependencies, as it has wheels for few versions of Python: `pip install atheris`.
    """
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        raise click.ClickException("this needs atheris: pip install atheris") from None
    entry = TARGETS[target]
    logging.disable()
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *options], lambda data: entry.make().feed(data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
