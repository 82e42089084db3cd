"""Retention: the oldest matches go first, one that is on never, and no call takes for ever."""

from pathlib import Path

import pytest

from ecsnet.components import LobbyStage, Stage
from ecsnet.storage.retention import MAX_REMOVED, outlook, prune
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import Batch, Match, Save, SaveName, Store
from tests.simulation.bazaar import EPOCH, Bazaar
from tests.storage.plausible import happened, session, stood

DAY = 86_400.0
NOW = 100 * DAY


def fill(store: Store, *ended_days_ago: float | None) -> None:
    """Write a match for each, named by its place; None: it is on."""
    for place, days in enumerate(ended_days_ago):
        match, ended = f"m{place}", None if days is None else NOW - days * DAY
        entities = [{"entity": entity, "components": {"Transform2D": {"x": 1.0 * entity}}} for entity in range(400)]
        events = happened(match, 1.0, *[(1.0, "joined", (), session(1, "anna"))] * 10)
        store.write(
            Batch(
                matches=[Match(id=match, game="soccer", started=1.0, ended=ended)],
                events=events,
                snapshots=[stood(match, 1.0, 30.0 * number, entities) for number in range(5)],
            )
        )


def ids(matches: list[Match]) -> list[str]:
    return [match.id for match in matches]


def test_matches_that_ended_too_long_ago_go_oldest_first(empty: Store) -> None:
    """By when they ended: a long match is not older than what was played beside it."""
    fill(empty, 1, 20, None, 10, 9.9)

    assert ids(list(outlook(empty, keep_days=10 - 1e-9, now=NOW))) == ["m1", "m3"]
    assert ids(prune(empty, keep_days=10 - 1e-9, now=NOW)) == ["m1", "m3"]
    assert ids(empty.matches()) == ["m0", "m2", "m4"]
    assert not any(True for _ in empty.events("m1"))
    assert not any(True for _ in empty.snapshots("m1"))
    assert prune(empty, keep_days=10 - 1e-9, now=NOW) == []


def test_the_oldest_go_until_the_store_is_small_enough(empty: SQLiteStore) -> None:
    """And no more than that."""
    fill(empty, 4, 3, 2, 1)
    full = empty.size_bytes()
    expected = ids(list(outlook(empty, max_bytes=round(0.6 * full), now=NOW)))
    gone = prune(empty, max_bytes=round(0.6 * full), now=NOW)

    assert ids(gone) == expected == ["m0", "m1"]
    assert 0.4 * full < empty.size_bytes() <= 0.6 * full


@pytest.mark.parametrize("keep", [{"keep_days": 0.0}, {"max_bytes": 0}])
def test_a_match_that_is_on_and_saves_stay(empty: Store, keep: dict[str, float]) -> None:
    """Whatever was asked for."""
    fill(empty, 5, None)
    empty.write(Batch(saves=[Save(name=SaveName("soccer", "account/anna"), revision=1, time=1.0)]))
    gone = prune(empty, now=NOW, **keep)  # type: ignore[arg-type]

    assert ids(gone) == ["m0"]
    assert ids(empty.matches()) == ["m1"]
    assert len(list(empty.saves())) == 1


@pytest.mark.parametrize("keep", [{"keep_days": 0.0}, {"max_bytes": 0}])
def test_a_match_stays_while_its_room_may_write_to_it(tmp_path: Path, keep: dict[str, float]) -> None:
    """What comes after the result, until the next match, would belong to nothing and never be deleted."""
    bazaar = Bazaar(tmp_path)
    stage = LobbyStage(Stage.RUNNING)
    bazaar.sim.server.world.create_entity(stage)
    for reached in (Stage.RUNNING, Stage.FINISHED):
        stage.stage = reached
        bazaar.sim.run(2)
    [match] = bazaar.store.matches()
    later = EPOCH + DAY
    assert match.ending == "finished"
    assert list(outlook(bazaar.store, now=later, **keep)) == []  # type: ignore[arg-type]
    assert prune(bazaar.store, now=later, **keep) == []  # type: ignore[arg-type]
    stage.stage = Stage.WAITING
    bazaar.sim.run(2)

    assert ids(prune(bazaar.store, now=later, **keep)) == [match.id]  # type: ignore[arg-type]


def test_without_limits_nothing_goes(empty: Store) -> None:
    """Which is the default."""
    fill(empty, 5)

    assert prune(empty, now=NOW) == list(outlook(empty, now=NOW)) == []


def test_a_call_removes_so_many_at_most(empty: Store) -> None:
    """A server prunes between its writes, which must not wait; the next call goes on."""
    matches = [Match(id=f"m{place:02}", game="a", started=1.0, ended=float(place)) for place in range(MAX_REMOVED + 3)]
    empty.write(Batch(matches=matches))

    assert ids(prune(empty, keep_days=1.0, now=NOW)) == ids(matches[:MAX_REMOVED])
    assert ids(prune(empty, keep_days=1.0, now=NOW, limit=2)) == ids(matches[MAX_REMOVED : MAX_REMOVED + 2])
    assert len(list(outlook(empty, keep_days=1.0, now=NOW))) == 1
