"""Print how long answers to remote calls take: `.venv/bin/python -m tests.bench.bench_answers`.

Knight's attack, 64 times a second by each of 32 clients, beside a bare encrypted echo of the same moment; both servers
are processes of their own. The whole table is `python -m ecsnet.samples.knight --bot`.
"""

import sys

import click

from ecsnet.load.answers import HEAD, measure_answers
from ecsnet.samples.knight.load import QUESTIONS

CLIENTS, RATE_HZ = 32, 64
RATIO_TARGET = 2.5  # over UDP, of the means, on a machine that does nothing else
TCP_TARGET_SECONDS = 0.0006  # mean


@click.command()
@click.option("--seconds", default=3.0, show_default=True, help="Of each measurement.")
def main(seconds: float) -> None:
    """Measure over UDP and TCP."""
    print(HEAD)
    failed = False
    for transport in ("udp", "tcp"):
        for row in measure_answers(
            QUESTIONS[:1], transport=transport, counts=[CLIENTS], rate_hz=RATE_HZ, seconds=seconds
        ):
            print(row)
        limit = RATIO_TARGET * row.bare.percentile(0.5) if transport == "udp" else TCP_TARGET_SECONDS
        failed |= row.answers.percentile(0.5) > 2 * limit
    print(f"targets: at most {RATIO_TARGET:g} x bare over UDP, and {1000 * TCP_TARGET_SECONDS:g} ms over TCP")
    sys.exit(failed)  # when a median is more than double its target: a busy machine makes the mean worse by far


if __name__ == "__main__":
    main()
