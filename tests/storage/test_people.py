"""People: whom events are about, and what came before somebody left."""

from collections.abc import Iterable

import pytest

from ecsnet.storage.people import MAX_BEFORE, Person, Told, before_leaving, told
from ecsnet.storage.questions import find_match
from ecsnet.storage.store import Batch, Match, Store, StoredEvent
from tests.storage.plausible import ANNA, BEGAN, BERT, FIRST, NASTY, SECOND, happened, session


def seconds(found: Iterable[Told]) -> list[float]:
    return [one.event.time - BEGAN for one in found]


def test_an_event_that_tells_a_client_id_is_about_who_joined_with_it(evening: Store) -> None:
    """A refused call says who made it by its id alone."""
    found = {one.event.kind: one.people for one in told(evening, find_match(evening, FIRST))}

    assert found["doubted"] == (Person("bert", BERT),)
    assert found["refused-call"] == (Person("bert", BERT),)
    assert found["match-began"] == ()


def test_a_client_id_is_whose_it_was_at_that_time(empty: Store) -> None:
    """A server that was started anew may count from one again: what the first did is not the second's."""
    events = happened(
        FIRST,
        BEGAN,
        (1.0, "joined", [], session(1, "anna")),
        (2.0, "strike", [], {"client_id": 1}),
        (3.0, "joined", [], session(1, "bert")),
        (4.0, "strike", [], {"client_id": 1}),
    )
    empty.write(Batch(events=events))
    match = find_match_of(empty)

    assert [str(one.people[0]) for one in told(empty, match, kinds=["strike"])] == ["anna", "bert"]
    assert [str(one.people[0]) for one in told(empty, match, since=BEGAN + 4.0)] == ["bert"]


def find_match_of(store: Store) -> Match:
    match = Match(id=FIRST, game="soccer", started=BEGAN)
    store.write(Batch(matches=[match]))
    return match


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("anna", ["joined", "Said", "left"]),
        (ANNA, ["joined", "left"]),
        (NASTY, ["joined", "left"]),
        ("nobody", []),
    ],
)
def test_events_are_about_a_player_by_name_owner_and_what_they_say(evening: Store, name: str, kinds: list[str]) -> None:
    """The rule by which a deletion strikes out names: a text that is exactly one."""
    found = [one for one in told(evening, find_match(evening, FIRST)) if one.is_about({name})]

    assert [one.event.kind for one in found] == kinds


@pytest.mark.parametrize("name", ["bert", BERT])
def test_what_came_before_each_leaving_is_told_up_to_the_leaving(evening: Store, name: str) -> None:
    """Both the loss of the connection and the farewell, each with the seconds before."""
    found = before_leaving(told(evening, find_match(evening, FIRST)), {name}, 30.0)

    assert seconds(found) == [131.0, 150.0, 160.0, 300.0, 304.0]


def test_the_edge_of_the_window_is_inside(evening: Store) -> None:
    """29 seconds before 2:40 is 2:11."""
    match = find_match(evening, FIRST)

    assert seconds(before_leaving(told(evening, match), {"bert"}, 29.0))[0] == 131.0
    assert seconds(before_leaving(told(evening, match), {"bert"}, 28.9))[0] == 150.0


def test_nothing_comes_before_the_leaving_of_who_stays(evening: Store) -> None:
    """Bert was not in that match; nor does being named in an event count as leaving."""
    assert list(before_leaving(told(evening, find_match(evening, SECOND)), {"bert"}, 1000.0)) == []


def test_a_flood_before_a_leaving_is_cut_at_a_limit() -> None:
    """Memory has an end; the last events count most."""
    flood = [StoredEvent(match="m", number=number, tick=number, time=1.0, kind="x") for number in range(MAX_BEFORE + 5)]
    gone = StoredEvent(match="m", number=MAX_BEFORE + 5, tick=0, time=1.0, kind="lost")
    events = [*(Told(event, ()) for event in flood), Told(gone, (Person("anna"),))]

    found = list(before_leaving(events, {"anna"}, 30.0))

    assert len(found) == MAX_BEFORE
    assert found[0].event.number == 6
    assert found[-1].event is gone
