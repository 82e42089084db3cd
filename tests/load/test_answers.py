"""Response times: who calls when, and the table."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecsnet.distribution import Distribution
from ecsnet.load.answers import HEAD, Caller, Row, measure_answers
from ecsnet.samples.knight.load import QUESTIONS

ROOT = Path(__file__).resolve().parents[2]


def called_at(*moments: float) -> list[float]:
    """Return at which of these moments somebody calls who is to call four times a second from 100.0 on."""
    calls: list[float] = []
    now = 0.0
    caller = Caller(lambda _: calls.append(now), rate_hz=4.0, begin=100.0)
    for now in moments:
        caller.act(None, now)  # type: ignore[arg-type]  # the call is ours, and needs no client
    return calls


def test_a_caller_calls_at_even_steps() -> None:
    """Whenever it is asked before, it waits; late by a little, it keeps its steps."""
    assert called_at(99.9, 100.0, 100.1, 100.26, 100.5, 100.6, 100.75) == [100.0, 100.26, 100.5, 100.75]


def test_a_caller_does_not_make_up_for_what_it_missed() -> None:
    """A burst would measure how calls wait for each other."""
    assert called_at(100.0, 101.3, 101.4, 101.5) == [100.0, 101.3, 101.5]


def test_a_line_of_the_table_tells_the_ratio_to_the_floor() -> None:
    """Mean and median, in milliseconds; the floor itself has none."""
    bare, answers = Distribution([0.0002, 0.0002]), Distribution([0.0004, 0.0004, 0.0010])

    floor, ours = Row("bare echo", "udp", 4, bare, bare), Row("on arrival", "tcp", 32, answers, bare)

    assert str(floor).split() == ["UDP", "4", "bare", "echo", "0.200", "0.200", "0.200"]
    assert str(ours).split()[-5:] == ["0.600", "0.400", "1.000", "3.00", "2.00"]
    assert len(str(ours)) == len(HEAD)


@pytest.mark.process
@pytest.mark.slow
def test_answers_on_arrival_are_measured_beside_those_of_the_tick(transport: str) -> None:
    """Real processes and sockets; of the figures only what a busy machine cannot spoil is asserted."""
    rows = list(measure_answers(QUESTIONS, transport=transport, counts=[3], rate_hz=20, seconds=0.5))

    assert [row.name for row in rows] == ["bare echo", "on arrival", "at the tick"]
    assert all(row.answers.count >= 10 for row in rows)
    assert rows[0].answers.percentile(0.5) < rows[2].answers.percentile(0.5)


@pytest.mark.process
@pytest.mark.slow
def test_knight_measures_itself(tmp_path: Path) -> None:
    """As its user starts it; the whole table, in short."""
    command = [
        sys.executable,
        "-m",
        "ecsnet.samples.knight",
        "--bot",
        "--rate",
        "20",
        "--count",
        "2",
        "--seconds",
        "0.5",
    ]
    found = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    lines = found.stdout.splitlines()

    assert (found.returncode, found.stderr) == (0, "")
    assert [re.split(" {2,}", line)[0:3:2] for line in lines if line.startswith(("UDP", "TCP"))] == [
        [transport, name]
        for _ in ("well", "with losses")
        for transport in ("UDP", "TCP")
        for name in ("bare echo", "on arrival", "at the tick")
    ]
