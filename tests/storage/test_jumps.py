"""Jumps: what changed faster than the game allows, and what only looks like it."""

from dataclasses import replace

import pytest

from ecsnet.errors import EcsnetError
from ecsnet.storage.jumps import jumps
from ecsnet.storage.people import Person
from ecsnet.storage.store import Snapshot, Store
from tests.storage.plausible import BERT, FIRST, RATE_HZ, SECOND, player, stood


def worlds(*values: object, apart: float = 10.0, entity: int = 1, field: str = "amount") -> list[Snapshot]:
    """Return snapshots in which one value changes, each so many seconds after the one before."""
    return [
        stood("m", 0.0, apart * number, [{"entity": entity, "components": {"Gold": {field: value}}}])
        for number, value in enumerate(values, 1)
    ]


def test_who_jumped_is_told_with_times_values_and_speed(evening: Store) -> None:
    """All that is needed to judge it."""
    cheat, teleport = jumps(evening.snapshots(FIRST), ["Transform2D.x"], 20.0, tick_rate_hz=RATE_HZ)

    assert (cheat.entity, cheat.person, cheat.tick) == (12, Person("bert", BERT), 9000)
    assert (cheat.before, cheat.after, cheat.lasted) == (704.0, 35.0, 30.0)
    assert cheat.per_second == pytest.approx(22.3)
    assert (cheat.teleported, teleport.entity, teleport.teleported) == (False, 11, True)


def test_a_teleport_excuses_no_other_value() -> None:
    """It sets the place; gold has nothing to do with it."""
    found = [
        stood("m", 0.0, 10.0, [player(1, 1, "anna", (0.0, 0.0), Gold={"amount": 0}, Teleports={"count": 255})]),
        stood("m", 0.0, 20.0, [player(1, 1, "anna", (5e3, 0.0), Gold={"amount": 9e3}, Teleports={"count": 0})]),
    ]

    assert [
        jump.teleported for jump in jumps(found, ["Transform2D.x", "Gold.amount"], 100.0, tick_rate_hz=RATE_HZ)
    ] == [True, False]


def test_the_first_teleport_brings_the_component(evening: Store) -> None:
    """It is there from the first one on."""
    found = [
        stood("m", 0.0, 10.0, [player(1, 1, "anna", (0.0, 0.0))]),
        stood("m", 0.0, 20.0, [player(1, 1, "anna", (5e3, 0.0), Teleports={"count": 1})]),
    ]

    assert [jump.teleported for jump in jumps(found, ["Transform2D.x"], 100.0, tick_rate_hz=RATE_HZ)] == [True]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((0, 10), []),  # as fast as allowed
        ((0, 11), [11]),
        ((11, 0), [0]),
        ((0, 11, 22), [11, 22]),
        ((0, None, 99), []),  # what was not there has not jumped
        ((0, "99"), []),
        ((0, True), []),
        ((0, 10**400), []),
    ],
)
def test_only_numbers_in_two_snapshots_that_follow_each_other_jump(
    values: tuple[object, ...], found: list[float]
) -> None:
    """Whatever else stands there."""
    assert [jump.after for jump in jumps(worlds(*values), ["Gold.amount"], 1.0, tick_rate_hz=RATE_HZ)] == found


def test_a_resumed_match_is_measured_by_its_own_time() -> None:
    """An hour passed on the calendar, and ten seconds of the match: that is how long there was to change."""
    before, after = worlds(0, 15)
    later = replace(after, time=after.time + 3600, seconds=after.seconds + 3600)
    [jump] = jumps([before, later], ["Gold.amount"], 1.0, tick_rate_hz=RATE_HZ)

    assert (jump.lasted, jump.per_second) == (10.0, 1.5)


def test_ticks_that_begin_anew_are_no_time() -> None:
    """A World counts to 2**32, and then from zero."""
    before, after = worlds(0, 15)
    [jump] = jumps([replace(before, tick=2**32 - 300), replace(after, tick=300)], ["Gold.amount"], 1.0, tick_rate_hz=60)

    assert jump.lasted == 10.0


def test_what_is_inside_a_field_is_reached_by_its_path() -> None:
    """Mappings by name, lists by number."""
    found: list[Snapshot] = [
        stood("m", 0.0, seconds, [{"entity": 1, "components": {"Bag": {"items": {"axe": [0, amount]}}}}])
        for seconds, amount in ((10.0, 1), (20.0, 99))
    ]

    assert [jump.after for jump in jumps(found, ["Bag.items.axe.1"], 1.0, tick_rate_hz=RATE_HZ)] == [99]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("Transform2D.z", "no entity has a number at 'Transform2D.z'; there are numbers at Transform2D.rotation, "),
        ("Gold", "no entity has a number at 'Gold'"),
        ("Player.name", "no entity has a number at 'Player.name'"),
    ],
)
def test_a_field_that_is_nowhere_is_told_with_those_there_are(evening: Store, field: str, told: str) -> None:
    """An empty answer would look like a clean one. Those of the same component come first."""
    with pytest.raises(EcsnetError) as caught:
        list(jumps(evening.snapshots(SECOND), [field], 1.0, tick_rate_hz=RATE_HZ))

    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("number", [0, 1])
def test_with_less_than_two_snapshots_there_is_nothing_to_compare(number: int) -> None:
    """Which is not the same as nothing found."""
    with pytest.raises(EcsnetError, match=rf"{number} snapshots? (is|are) kept of it: nothing to compare"):
        list(jumps(worlds(*range(number)), ["Gold.amount"], 1.0, tick_rate_hz=RATE_HZ))


def test_a_match_without_ticks_has_no_time_to_compare_by() -> None:
    """Somebody changed the database by hand."""
    with pytest.raises(EcsnetError, match="0 ticks a second are no time to compare by"):
        list(jumps(worlds(0, 1), ["Gold.amount"], 1.0, tick_rate_hz=0.0))
