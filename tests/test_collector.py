"""The garbage collector stays out of a server's ticks, and is as before when the server is gone."""

import gc

import pytest

from ecsnet.collector import YOUNG_OBJECTS, calm_collector


def test_what_is_there_is_not_looked_at_and_the_rest_seldom() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    kept: list[list[int]] = [[] for _ in range(100)]
    with calm_collector():
        inside = gc.get_threshold()[0], gc.get_freeze_count()
        assert not any(found is kept for found in gc.get_objects())

    assert inside[0] == YOUNG_OBJECTS
    assert inside[1] > len(kept)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() <= frozen


def test_a_host_keeps_what_it_chose() -> None:
    before = gc.get_threshold()
    try:
        for chosen in (0, 2 * YOUNG_OBJECTS):
            gc.set_threshold(chosen, 5, 5)
            with calm_collector():
                assert gc.get_threshold() == (chosen, 5, 5)
            assert gc.get_threshold() == (chosen, 5, 5)
    finally:
        gc.set_threshold(*before)


def test_it_is_as_before_whatever_ends_the_loop() -> None:
    before = gc.get_threshold()
    with pytest.raises(KeyboardInterrupt), calm_collector():
        raise KeyboardInterrupt

    assert gc.get_threshold() == before
