"""Plans: how a crowd is divided among processes."""

import pytest

from ecsnet.load.plan import CrowdPlan

PLAN = CrowdPlan(link="127.0.0.1", game="soccer", count=10)


@pytest.mark.parametrize(("processes", "counts"), [(1, [10]), (3, [4, 3, 3]), (10, [1] * 10), (16, [1] * 10)])
def test_every_client_is_in_one_share(processes: int, counts: list[int]) -> None:
    """Each has a number of its own, so no two have the same name or press the same keys."""
    shares = PLAN.shares(processes)
    numbers = [share.first + number for share in shares for number in range(share.count)]

    assert [share.count for share in shares] == counts
    assert numbers == list(range(10))


@pytest.mark.parametrize(("processes", "each"), [(1, 4), (2, 2), (4, 1), (8, 1)])
def test_processes_together_knock_as_often_as_a_server_opens(processes: int, each: int) -> None:
    """A server has four handshakes of one network under way; whoever comes besides has to ask again."""
    assert {share.joining_at_once for share in PLAN.shares(processes)} == {each}


def test_a_password_is_not_shown() -> None:
    """A plan may end up in a log or a traceback."""
    assert "mellon" not in repr(CrowdPlan(link="h", game="soccer", count=1, password="mellon"))
