"""`python -m ecsnet.samples.knight --bot`: measure how long an attack takes until its answer is there."""

import click

from ecsnet.load.answers import answer_table
from ecsnet.load.servers import MAX_CLIENTS
from ecsnet.samples.knight.load import QUESTIONS


@click.command(context_settings={"show_default": True})
@click.option("--bot", is_flag=True, required=True, help="Measure; to play, there is `ecsnet play knight`.")
@click.option("--rate", default=64.0, type=click.FloatRange(0.1, 1000), help="Attacks of each client a second.")
@click.option("--count", default=32, type=click.IntRange(1, MAX_CLIENTS), help="Clients, at the most.")
@click.option("--seconds", default=3.0, type=click.FloatRange(0.5), help="Of each measurement.")
def main(*, bot: bool, rate: float, count: int, seconds: float) -> None:  # noqa: ARG001  # required, to say what it is
    """Let more and more clients attack as often as they can, over UDP and TCP, and print how long the answers take."""
    for line in answer_table(QUESTIONS, count=count, rate_hz=rate, seconds=seconds):
        click.echo(line)


if __name__ == "__main__":
    main()
