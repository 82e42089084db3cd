"""The promises of replication under any network, and the proof that each rule behind them is needed.

A failing run prints its seed; `.venv/bin/python -m tests.replication.test_model SEED` replays it alone.
"""

import os
import sys

import pytest

from ecsnet.replication.receiver import Receiver
from ecsnet.replication.sender import Sender
from tests.replication.model import Model, Violation
from tests.replication.mutants import PATCHES, RECEIVERS, SENDERS, Patch

MUTANT_SEEDS = 400  # until a mutant must be found; most are within ten


@pytest.mark.parametrize("decade", range(10))
def test_every_promise_holds_whatever_the_network_does(decade: int) -> None:
    """Loss up to 60 %, reordering, duplicates, false reports of loss, churn, small budgets, ticks that wrap."""
    for seed in range(10 * decade, 10 * decade + 10):
        Model(seed).run()


@pytest.mark.slow
@pytest.mark.parametrize("century", range(int(os.environ.get("ECSNET_SOAK", "3"))))
def test_every_promise_holds_in_longer_runs(century: int) -> None:
    """The same with more time for rare combinations. ECSNET_SOAK=10 runs a thousand seeds."""
    for seed in range(1000 + 100 * century, 1100 + 100 * century):
        Model(seed).run(ticks=100)


# Seeds that once found a mistake stay.
@pytest.mark.parametrize(
    "seed",
    [
        23,  # what a client steers used up the budget, and entities it lacked never came
        88,  # without room for the frame, a repair took one of two records that changed together
        212,  # hidden, shown and deleted while its end was lost: nobody said again that it was gone
    ],
)
def test_a_mistake_once_made_is_not_made_again(seed: int) -> None:
    """Each of these seeds failed once."""
    Model(seed).run()


@pytest.mark.parametrize("mutant", RECEIVERS, ids=lambda mutant: mutant.__name__)
def test_the_checker_finds_a_client_without_this_rule(mutant: type[Receiver]) -> None:
    """A rule no test can miss would be a rule nobody needs."""
    _expect_violation(receiver=mutant)


@pytest.mark.parametrize("mutant", SENDERS, ids=lambda mutant: mutant.__name__)
def test_the_checker_finds_a_server_without_this_rule(mutant: type[Sender]) -> None:
    """As above."""
    _expect_violation(sender=mutant)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.__name__)
def test_the_checker_finds_this_mistake(patch: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above."""
    patch(monkeypatch)

    _expect_violation()


def _expect_violation(sender: type[Sender] = Sender, receiver: type[Receiver] = Receiver) -> None:
    for seed in range(MUTANT_SEEDS):
        try:
            Model(seed, sender, receiver).run()
        except Violation:
            return
    pytest.fail(f"{MUTANT_SEEDS} seeds passed without this rule")


if __name__ == "__main__":
    Model(int(sys.argv[1])).run()
