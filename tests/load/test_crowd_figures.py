"""The figures of a crowd: they add up over processes, and the table says what is wrong and what to do."""

import json
from collections import Counter

import pytest

from ecsnet.distribution import Distribution
from ecsnet.load.figures import CrowdFigures, Moment
from ecsnet.protocol import DisconnectReason

FULL = (DisconnectReason.SERVER_FULL, "all 40 places are taken")


def whole() -> CrowdFigures:
    """Return the figures of two clients that were there for ten seconds each."""
    return CrowdFigures(
        wanted=2,
        now=Moment(2, 1, 0.030, 2000.0, 8000.0),
        joined=Distribution([0.1, 0.2]),
        rtt=Distribution([0.010, 0.020]),
        client_seconds=20.0,
        states=600,
        bytes_up=20_000,
        bytes_down=80_000,
        datagrams_up=600,
        looks=40,
        late=4,
        lost_down=0.4,
        lost_up=6,
        busiest=0.2,
    )


def test_the_figures_of_processes_add_up() -> None:
    """But what one process used of a core tells something about that process alone."""
    both = whole()
    both.add(CrowdFigures(wanted=1, refused=Counter({FULL: 1}), busiest=0.95))

    assert (both.wanted, both.settled, both.joined.count, both.is_whole) == (3, 3, 2, False)
    assert both.busiest == 0.95
    assert both.refused == {FULL: 1}
    assert both.as_json()["states_per_second"] == 30.0


def test_the_table_tells_what_each_client_gets() -> None:
    """Rates are those of one client, times are percentiles."""
    lines = list(whole().lines())

    assert lines[0] == "2 of 2 clients joined, 2 stayed"
    assert [line.split() for line in lines[1:3]] == [
        ["p50", "p99", "max"],
        ["joined", "in", "100.0", "ms", "200.0", "ms", "200.0", "ms"],
    ]
    assert any(line.split()[:3] == ["state", "messages", "30.0"] for line in lines)
    assert any(line.endswith("4000 B a second and client, 1.0% lost") for line in lines)
    assert any(line.endswith("1000 B a second and client, 1.0% lost") for line in lines)
    assert any(line.split()[:3] == ["late", "inputs", "10.0%"] for line in lines)
    assert max(map(len, lines)) < 80


def test_who_was_turned_away_is_told_why_and_what_to_do() -> None:
    """The server's own words, and the option of its owner that they are about."""
    figures = CrowdFigures(wanted=60, refused=Counter({FULL: 58}))
    lines = list(figures.lines())

    assert lines[0] == "0 of 60 clients joined, 0 stayed"
    assert lines[1].startswith("refused              58  SERVER_FULL: all 40 places are taken; see --max-clients and ")
    assert lines[1].endswith(" --max-clients-per-network of `ecsnet serve`")
    assert lines[2:] == ["no answer yet         2"]


def test_a_load_that_measures_itself_says_so() -> None:
    """Figures of a program without a moment's rest are those of that program."""
    figures = whole()
    figures.busiest = 0.97

    assert list(figures.lines())[-1].endswith("97% of a core: too much to measure by, see --processes")


def test_who_did_not_stay_makes_the_run_fail() -> None:
    """Also where all had joined."""
    figures = whole()
    figures.ended[DisconnectReason.TIMEOUT, DisconnectReason.TIMEOUT.text] += 1

    assert not figures.is_whole
    assert next(iter(figures.lines())) == "2 of 2 clients joined, 1 stayed"


def test_calls_are_told_where_there_were_any() -> None:
    """Most bots make none."""
    figures = whole()
    assert not any(line.startswith("calls") for line in figures.lines())
    figures.calls, figures.calls_refused = Distribution([0.001, 0.003]), 1

    [line] = [line for line in figures.lines() if line.startswith("calls")]
    assert line.split()[2:] == ["1.0", "ms", "3.0", "ms", "3.0", "ms", "of", "2,", "1", "refused"]


def test_json_holds_all_of_it() -> None:
    """For programs: nothing that json cannot say, reasons by name."""
    figures = whole()
    figures.refused[FULL] += 3
    found = json.loads(json.dumps(figures.as_json()))

    assert found["refused"] == {"SERVER_FULL: all 40 places are taken": 3}
    assert found["rtt_ms"] == {"mean": 15.0, "p50": pytest.approx(10.0, rel=0.01), "p99": 20.0, "max": 20.0}
    assert (found["loss_sent"], found["loss_received"], found["late_inputs"]) == (0.01, 0.01, 0.1)


def test_a_moment_is_a_line() -> None:
    """What is typical of one client, at this moment; of nobody, too."""
    assert str(whole().now) == "2 connected   rtt 15.0 ms   each 4.0 kB/s down, 1.0 up   late inputs 50%"
    assert str(Moment()) == "0 connected   rtt 0.0 ms   each 0.0 kB/s down, 0.0 up   late inputs 0%"
