"""Questions: which match is meant, how much is kept of it, and how its World stood."""

from dataclasses import replace

import pytest

from ecsnet.errors import EcsnetError
from ecsnet.storage.questions import figures_of, find_match, narrowed, snapshot_at, snapshot_of_tick
from ecsnet.storage.store import Batch, Document, Match, Snapshot, Store
from tests.storage.plausible import ANNA, BEGAN, FIRST, NASTY, OPEN, SECOND, stood


@pytest.mark.parametrize(
    ("text", "found"), [("last", OPEN), (FIRST, FIRST), ("20261130-19", SECOND), ("20261130-2", OPEN)]
)
def test_a_match_is_found_by_its_id_a_beginning_or_as_the_last(evening: Store, text: str, found: str) -> None:
    """Nobody types a whole id."""
    assert find_match(evening, text).id == found


def test_an_id_that_begins_another_is_found_as_well(empty: Store) -> None:
    """It is not ambiguous: it is there."""
    empty.write(Batch(matches=[Match(id=name, game="soccer", started=1.0) for name in ("one", "one-2")]))

    assert find_match(empty, "one").id == "one"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026", f"3 matches begin with '2026': {FIRST}, {SECOND}, {OPEN}, or last"),
        ("2027", f"no match begins with '2027': {FIRST}, {SECOND}, {OPEN}, or last"),
        ("\x1b", r"no match begins with '\x1b': "),
    ],
)
def test_a_match_that_is_not_found_names_those_there_are(evening: Store, text: str, told: str) -> None:
    """So that the next try is right."""
    with pytest.raises(EcsnetError) as caught:
        find_match(evening, text)

    assert told in str(caught.value)


def test_of_many_matches_the_last_are_named(empty: Store) -> None:
    """An error is a line, not a list."""
    empty.write(Batch(matches=[Match(id=f"m{number}", game="a", started=float(number)) for number in range(9)]))
    with pytest.raises(EcsnetError, match=r"9 matches begin with 'm': \.\.\. m4, m5, m6, m7, m8, or last"):
        find_match(empty, "m")


def test_a_store_without_matches_has_no_last_one(empty: Store) -> None:
    """It is said, instead of an empty answer."""
    with pytest.raises(EcsnetError, match="no match has been kept there yet"):
        find_match(empty, "last")


def test_figures_count_players_once_and_take_the_last_known_as_the_end(evening: Store) -> None:
    """Who comes back is no second player; a match that is on, or was cut short, has lasted until now."""
    first, second, last = (figures_of(evening, match) for match in evening.matches())

    assert (first.players, first.events, first.snapshots, first.seconds) == (3, 14, 10, 305.0)
    assert (second.players, second.events, second.snapshots, second.seconds) == (1, 2, 2, 90.0)
    assert (last.players, last.events, last.snapshots, last.seconds) == (1, 2, 0, 61.0)


@pytest.mark.parametrize(("seconds", "tick"), [(30.0, 1800), (59.9, 1800), (60.0, 3600), (9999.0, 18000)])
def test_the_snapshot_of_a_time_is_the_newest_until_then(evening: Store, seconds: float, tick: int) -> None:
    """What was known then; the next one may show what happened later."""
    assert snapshot_at(evening, find_match(evening, FIRST), BEGAN + seconds).tick == tick


@pytest.mark.parametrize(("asked", "tick"), [(1800, 1800), (1801, 1800), (18001, 18000)])
def test_the_snapshot_of_a_tick_is_the_newest_until_then(evening: Store, asked: int, tick: int) -> None:
    """The same by the game's own count."""
    assert snapshot_of_tick(evening, find_match(evening, FIRST), asked).tick == tick


@pytest.mark.parametrize("by_tick", [False, True])
def test_before_the_first_snapshot_nothing_is_known(evening: Store, *, by_tick: bool) -> None:
    """The text says from when on."""
    match = find_match(evening, FIRST)
    with pytest.raises(EcsnetError, match=f"the first snapshot of {FIRST} is of 0:30, tick 1800"):
        snapshot_of_tick(evening, match, 1799) if by_tick else snapshot_at(evening, match, BEGAN + 29.0)


def test_a_match_without_snapshots_says_so(evening: Store) -> None:
    """It may be too young."""
    with pytest.raises(EcsnetError, match=f"no snapshot of {OPEN} is kept"):
        snapshot_at(evening, find_match(evening, OPEN))


@pytest.mark.parametrize(
    ("asked", "entities"),
    [
        ({}, [11, 12, 20]),
        ({"entity": 12}, [12]),
        ({"having": "Ball"}, [20]),
        ({"having": "Player"}, [11, 12]),
        ({"names": {"anna"}}, [11]),
        ({"names": {ANNA}}, [11]),
        ({"names": {"anna"}, "having": "Ball"}, []),
        ({"names": {NASTY}}, []),
    ],
)
def test_entities_are_narrowed_by_number_component_and_player(
    evening: Store, asked: dict[str, object], entities: list[int]
) -> None:
    """A player is known by the name that others see, and by what was proved."""
    found = snapshot_at(evening, find_match(evening, FIRST))

    assert [document["entity"] for document in narrowed(found, **asked)] == entities  # type: ignore[arg-type]


def test_what_was_changed_by_hand_is_read_as_far_as_it_makes_sense() -> None:
    """A database is open to its owner, who may have edited anything."""
    odd: list[Document] = [
        {"entity": "x", "components": [1], "owner": 3},
        {"owner": {"client_id": True, "name": 5}},
        {},
    ]
    found = replace(stood("m", 0.0, 1.0, []), entities=odd, players=[{"client_id": "1", "name": None}, {"entity": 2}])

    assert list(narrowed(found)) == odd
    assert list(narrowed(found, names={"anna"})) == list(narrowed(found, having="Ball")) == []


def test_a_snapshot_with_no_players_belongs_to_nobody() -> None:
    """Worlds run on when everybody has left."""
    found = Snapshot(match="m", tick=1, time=1.0, seconds=1.0, entities=[{"entity": 1, "components": {"Ball": {}}}])

    assert list(narrowed(found, names={""})) == []
