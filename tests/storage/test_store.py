"""What every store promises, asked of each kind of store. Where they are opened: tests/storage/conftest.py."""

from collections.abc import Iterator
from dataclasses import asdict, is_dataclass, replace
from itertools import count, islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecsnet.errors import StoreError
from ecsnet.storage.store import (
    SERVER_OWNER,
    WORLD_OWNER,
    Batch,
    Document,
    Forgotten,
    Match,
    Save,
    SaveName,
    Snapshot,
    Store,
    StoredEvent,
)
from tests.storage.opener import Opener

MATCH = "20261130-180000-soccer"
BEGAN = 1796061600.125  # times are kept to the millisecond
ANNA, BERT = "account/anna", "account/bert"

numbers = count(1)  # one of each, for examples that share a store
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            names | st.sampled_from(["$tuple", "$ref", "$id", "$db", "\\$ref", "a.b", "_id"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
documents = st.dictionaries(names | st.sampled_from(["$tuple", "$ref", "$oid", "", "_id", "a.b"]), values, max_size=4)


def match(identity: str = MATCH, **fields: object) -> Match:
    return replace(Match(id=identity, game="soccer", started=BEGAN), **fields)  # type: ignore[arg-type]


def event(number: int, **fields: object) -> StoredEvent:
    plain = StoredEvent(match=MATCH, number=number, tick=number * 60, time=BEGAN + number, kind="joined")
    return replace(plain, **fields)  # type: ignore[arg-type]


def entities(how_many: int) -> list[Document]:
    return [{"entity": n, "components": {"Transform2D": {"x": n / 4, "y": -0.0}}} for n in range(1, how_many + 1)]


def snapshot(tick: int, how_many: int = 3, **fields: object) -> Snapshot:
    """Return a snapshot as it is written: its entities can be asked for once."""
    plain = Snapshot(
        match=MATCH,
        tick=tick,
        time=BEGAN + tick / 50,
        seconds=tick / 50,
        players=[{"client_id": 1, "name": "anna", "status": "CONNECTED", "entity": 7, "player": ANNA}],
        count=how_many,
        entities=iter(entities(how_many)),
        state={"next": [1, 2]},
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def read(kept: Snapshot, how_many: int = 3) -> Snapshot:
    """Return a snapshot as it is read."""
    return replace(kept, entities=entities(how_many))


def save(owner: str = ANNA, revision: int = 1, **fields: object) -> Save:
    plain = Save(name=SaveName("knight", owner), revision=revision, time=BEGAN, components={"Gold": {"amount": 50}})
    return replace(plain, **fields)  # type: ignore[arg-type]


def ordered(value: object) -> str:
    """Return all that is in a value, with its types; the order of keys is not promised."""
    if isinstance(value, dict):
        return repr(sorted((key, ordered(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return repr([ordered(inner) for inner in value])
    return ordered(asdict(value)) if is_dataclass(value) and not isinstance(value, type) else repr(value)


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener()


@pytest.fixture
def other(store: Store, opener: Opener) -> Store:
    """The same store, by another connection."""
    return opener()


def test_what_was_written_is_there_for_others_at_once(store: Store, other: Store) -> None:
    """Whoever asks is another process than the server."""
    ended = match(
        version="1.2", room="K7QF", ended=BEGAN + 90, ending="finished", tick_rate_hz=30.0, summary={"a": [1]}
    )
    happened = event(1, players=(ANNA, BERT), data={"client_id": 3, "text": "größer", "nothing": None})
    kept, taken = save(player="anna"), snapshot(60)
    refused = store.write(Batch(matches=[ended], events=[happened], saves=[kept], snapshots=[taken]))

    assert list(refused) == []
    assert other.matches() == [ended]
    assert list(other.events(MATCH)) == [happened]
    assert list(other.saves()) == [kept]
    assert list(other.snapshots(MATCH)) == [read(taken)]


def test_a_new_store_is_empty(store: Store) -> None:
    """Also for questions about what there is not."""
    assert store.matches() == []
    assert list(store.events(MATCH)) == []
    assert list(store.snapshots(MATCH, newest_first=True)) == []
    assert list(store.saves("knight", ANNA)) == []
    assert store.forget(ANNA) == Forgotten()
    store.remove_match(MATCH)
    assert list(store.write(Batch())) == []


def test_to_write_the_same_again_changes_nothing(store: Store) -> None:
    """Whoever got no answer writes it again; the entities of a snapshot that is there are not asked for."""
    parts = {
        "matches": [match()],
        "events": [event(1), event(2)],
        "saves": [save()],
        "removed": [SaveName("knight", BERT)],
    }
    batch = Batch(**parts, snapshots=[snapshot(60)])  # type: ignore[arg-type]
    store.write(batch)
    assert list(store.write(batch)) == []
    assert list(store.write(batch)) == []

    assert store.matches() == [match()]
    assert list(store.events(MATCH)) == [event(1), event(2)]
    assert list(store.saves()) == [save()]
    assert list(store.snapshots(MATCH)) == [read(snapshot(60))]


def test_of_a_match_the_newer_counts(store: Store) -> None:
    """It is written when it begins and when it ends; resumed, it is on again."""
    for written in (match(), match(ended=BEGAN + 5, ending="closed", summary={"home": 2}), match(room="K7QF")):
        store.write(Batch(matches=[written]))

        assert store.matches() == [written]


def test_an_event_keeps_its_number(store: Store, opener: Opener) -> None:
    """A resumed server asks for the last number and goes on; what was kept under a number is never lost to another."""
    store.write(Batch(events=[event(1), event(2)]))
    store.close()
    resumed = opener()
    *_, last = resumed.events(MATCH)
    resumed.write(Batch(events=[event(last.number, kind="left"), event(last.number + 1, kind="returned")]))

    assert [(kept.number, kept.kind) for kept in resumed.events(MATCH)] == [
        (1, "joined"),
        (2, "joined"),
        (3, "returned"),
    ]


def test_matches_are_read_by_game_oldest_first(store: Store) -> None:
    """Whatever order they were written in."""
    late, early = match("b", started=BEGAN + 1), match("c", game="knight")
    store.write(Batch(matches=[late, early, match("a", started=BEGAN + 2)]))

    assert [kept.id for kept in store.matches()] == ["c", "b", "a"]
    assert store.matches("knight") == [early]
    assert store.matches("chess") == []


def test_events_are_read_by_kind_player_and_span(store: Store) -> None:
    """In their order; both ends of a span belong to it."""
    store.write(
        Batch(
            events=[
                event(3, kind="left", players=(ANNA,)),
                event(1, players=(ANNA,)),
                event(2, players=(BERT, ANNA)),
                event(4, players=(BERT,)),
                event(1, match="another", players=(ANNA,)),
            ]
        )
    )

    def numbers_of(**asked: object) -> list[int]:
        return [kept.number for kept in store.events(MATCH, **asked)]  # type: ignore[arg-type]

    assert numbers_of() == [1, 2, 3, 4]
    assert numbers_of(kinds=["left"]) == [3]
    assert numbers_of(kinds=["left", "joined"]) == [1, 2, 3, 4]
    assert numbers_of(kinds=["said"]) == []
    assert numbers_of(player=ANNA) == [1, 2, 3]
    assert numbers_of(player=BERT, kinds=["joined"]) == [2, 4]
    assert numbers_of(player="account/ann") == []
    assert numbers_of(since=BEGAN + 2, until=BEGAN + 3) == [2, 3]
    assert numbers_of(since=BEGAN + 2.001) == [3, 4]
    assert numbers_of(until=BEGAN + 1.999) == [1]


def test_snapshots_are_read_by_span_either_way(store: Store) -> None:
    """Resuming asks for the newest, analysis for all in order."""
    store.write(Batch(snapshots=[snapshot(tick) for tick in (100, 50, 150)]))

    assert [kept.tick for kept in store.snapshots(MATCH)] == [50, 100, 150]
    assert [kept.tick for kept in store.snapshots(MATCH, newest_first=True)] == [150, 100, 50]
    assert [kept.tick for kept in store.snapshots(MATCH, since=BEGAN + 2, until=BEGAN + 3)] == [100, 150]
    assert [kept.tick for kept in store.snapshots(MATCH, until=BEGAN + 2.5, newest_first=True)] == [100, 50]
    assert list(store.snapshots("another")) == []


def test_events_and_snapshots_of_a_match_are_counted(store: Store) -> None:
    """Each once, however many parts it is kept in."""
    events = [event(1), event(2), event(1, match="another")]
    store.write(Batch(events=events, snapshots=[snapshot(60, 450), snapshot(120), snapshot(180)]))

    assert store.counts(MATCH) == (2, 3)
    assert store.counts("another") == (1, 0)
    assert store.counts("nowhere") == (0, 0)


@pytest.mark.parametrize("how_many", [0, 1, 199, 200, 201, 400, 5000])
def test_a_snapshot_may_have_any_number_of_entities(store: Store, how_many: int) -> None:
    """It is written in parts, and read as one."""
    kept = snapshot(60, how_many)
    store.write(Batch(snapshots=[kept]))

    assert list(store.snapshots(MATCH)) == [read(kept, how_many)]


def test_a_snapshot_whose_entities_were_asked_for_before_is_refused(store: Store) -> None:
    """It would be kept as an empty World, and resumed as one."""
    used_up = snapshot(60, 250)
    assert len(list(used_up.entities)) == 250

    with pytest.raises(StoreError, match=r"tick 60, says it has 250 entities and made 0"):
        store.write(Batch(snapshots=[used_up]))
    assert list(store.snapshots(MATCH)) == []
    store.write(Batch(snapshots=[snapshot(60, 250)]))
    assert [kept.count for kept in store.snapshots(MATCH)] == [250]


def test_entities_that_fail_halfway_leave_no_half_of_a_snapshot(store: Store) -> None:
    """The error is the maker's, and what is written next is right."""

    def broken() -> Iterator[Document]:
        yield from entities(450)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.write(Batch(snapshots=[snapshot(60, 500, entities=broken())]))
    assert list(store.snapshots(MATCH)) == []
    store.write(Batch(snapshots=[snapshot(60, 201)]))
    assert list(store.snapshots(MATCH)) == [read(snapshot(60, 201), 201)]


def test_of_two_revisions_the_higher_counts(store: Store, other: Store) -> None:
    """Two servers write one account's save: the later one is told that it is not the only one."""
    assert list(store.write(Batch(saves=[save(revision=2)]))) == []
    for late in (save(revision=1), save(revision=2, components={"Gold": {"amount": 0}})):
        assert list(other.write(Batch(saves=[late, save(BERT, 1)]))) == [SaveName("knight", ANNA)]
    assert list(store.saves("knight", ANNA)) == [save(revision=2)]
    assert list(store.saves("knight", BERT)) == [save(BERT, 1)], "the rest of the batch is written"
    rich = save(revision=3, time=BEGAN + 1, player="Anna", components={"Gold": {"amount": 70}})
    assert list(other.write(Batch(saves=[rich]))) == []
    assert list(store.saves("knight", ANNA)) == [rich]


def test_several_changes_of_one_save_in_a_batch_are_its_last(store: Store) -> None:
    """Also when the batch is repeated: the earlier ones are not somebody else's."""
    batch = Batch(saves=[save(revision=3), save(revision=1), save(revision=2)])
    for _ in range(2):
        assert list(store.write(batch)) == []
        assert list(store.saves()) == [save(revision=3)]


def test_saves_are_read_by_game_and_owner_in_order(store: Store) -> None:
    """By name, whatever order they were written in, and however many there are."""
    kept = [
        save(name=SaveName(game, owner, key))
        for game in ("knight", "soccer")
        for owner in (ANNA, "key/ab12", SERVER_OWNER, WORLD_OWNER)
        for key in ("", "chest", "Ä")
    ]
    many = [save(f"token/{number:04}") for number in range(1100)]
    store.write(Batch(saves=[*reversed(kept), *many]))
    ordered = sorted([*kept, *many], key=lambda one: one.name)

    assert list(store.saves()) == ordered
    assert list(store.saves("soccer")) == [one for one in ordered if one.name.game == "soccer"]
    assert list(store.saves(owner=WORLD_OWNER)) == [one for one in kept if one.name.owner == WORLD_OWNER]
    assert list(store.saves("knight", ANNA)) == kept[:3]


def test_a_save_that_is_not_needed_any_more_goes(store: Store) -> None:
    """By its whole name, and last: what one batch changes and removes is removed."""
    chest = SaveName("knight", WORLD_OWNER, "chest")
    store.write(Batch(saves=[save(), save(name=chest)]))
    store.write(Batch(saves=[save(name=chest, revision=2)], removed=[chest, SaveName("knight", WORLD_OWNER, "gate")]))

    assert list(store.saves()) == [save()]
    assert list(store.write(Batch(saves=[save(name=chest)]))) == [], "it may begin anew"


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents, documents, documents, documents, st.lists(documents, max_size=3), st.lists(documents, max_size=3))
def test_any_document_comes_back_equal(
    opener: Opener,
    data: Document,
    summary: Document,
    state: Document,
    components: Document,
    players: list[Document],
    parts: list[Document],
) -> None:
    """In every place where one may be: keys that mean something to a database, all numbers, all texts."""
    number = next(numbers)
    store = opener.shared()
    ended = match(summary=summary)
    happened = event(number, data=data)
    kept = save(f"token/{number}", components=components)
    taken = snapshot(number, len(parts), state=state, players=players, entities=parts)
    store.write(Batch(matches=[ended], events=[happened], saves=[kept], snapshots=[taken]))
    events = store.events(MATCH, since=happened.time, until=happened.time)
    snapshots = store.snapshots(MATCH, since=taken.time, until=taken.time)
    back = [*store.matches(), *events, *store.saves(owner=kept.name.owner), *snapshots]

    assert back == [ended, happened, kept, taken]
    assert ordered(back) == ordered([ended, happened, kept, taken]), "and no number is of another kind"


@pytest.mark.parametrize("value", [{1, 2}, object(), "half \ud800"])
def test_what_no_document_holds_is_refused_and_nothing_kept(store: Store, value: object) -> None:
    """It would come back as something else, or not at all."""
    with pytest.raises(StoreError, match="cannot keep"):
        store.write(Batch(events=[event(1, data={"value": value})]))
    assert list(store.events(MATCH)) == []


@pytest.mark.parametrize("fields", [{"tick": 2**64}, {"kind": "half \ud800"}])
def test_what_no_field_holds_is_refused_and_nothing_kept(store: Store, fields: dict[str, object]) -> None:
    """The caller's mistake raises at once, whatever the database would say of it."""
    with pytest.raises(StoreError, match="cannot keep"):
        store.write(Batch(events=[event(1, **fields)]))
    assert list(store.events(MATCH)) == []


def test_reading_goes_on_while_another_connection_writes(store: Store, other: Store) -> None:
    """An analysis does not hold the server up, and sees what comes after where it is."""
    store.write(Batch(events=[event(number) for number in range(1, 2001)], snapshots=[snapshot(1), snapshot(2)]))
    happening, standing = other.events(MATCH), other.snapshots(MATCH)
    begun = [*islice(happening, 700)], next(standing)
    store.write(Batch(events=[event(2001)], snapshots=[snapshot(3)]))

    assert [kept.number for kept in (*begun[0], *happening)] == list(range(1, 2002))
    assert [kept.tick for kept in (begun[1], *standing)] == [1, 2, 3]


def test_a_match_is_removed_with_all_that_is_of_it(store: Store, other: Store) -> None:
    """And nothing else; the room it took is free."""
    store.write(Batch(matches=[match("another")], events=[event(1, match="another")], saves=[save()]))
    before = store.size_bytes()
    happened = [event(number, data={"text": "x" * 100}) for number in range(1, 1000)]
    store.write(Batch(matches=[match()], events=happened, snapshots=[snapshot(1, 1000)]))
    full = store.size_bytes()
    store.remove_match(MATCH)

    assert other.matches() == [match("another")]
    assert list(other.events(MATCH)) == []
    assert list(other.snapshots(MATCH)) == []
    assert list(other.events("another")) == [event(1, match="another")]
    assert list(other.saves()) == [save()]
    assert full - before > 100_000
    assert store.size_bytes() - before < (full - before) / 4


def test_a_player_is_forgotten(store: Store, other: Store) -> None:
    """Saves and events of the player alone go; elsewhere the names, also those only the saves know, are struck out."""
    store.write(
        Batch(
            matches=[match(summary={"best": "Anna", "score": 3})],
            events=[
                event(1, players=(ANNA,)),
                event(
                    2, players=(ANNA, BERT), data={"by": ["Anna", {"to": "Bert"}], "Anna": "Annabel", "was": "Änn\n"}
                ),
                event(3, data={"text": "nothing of her"}),
                event(4, data={"name": "Anna"}),
            ],
            saves=[save(player="Anna"), save(BERT, player="Bert"), save(name=SaveName("chess", ANNA, "x"))],
            snapshots=[
                snapshot(1, 300, entities=[*entities(299), {"entity": 300, "owner": {"name": "Anna"}}]),
                snapshot(2, players=[], state={}),
            ],
        )
    )
    forgotten = store.forget(ANNA, ["Änn\n", ""])

    assert forgotten == Forgotten(saves=2, events=1, changed=4)
    gone = "(deleted)"
    assert list(other.saves()) == [save(BERT, player="Bert")]
    assert list(other.events(MATCH)) == [
        event(2, players=(gone, BERT), data={"by": [gone, {"to": "Bert"}], "Anna": "Annabel", "was": gone}),
        event(3, data={"text": "nothing of her"}),
        event(4, data={"name": gone}),
    ]
    assert other.matches() == [match(summary={"best": gone, "score": 3})]
    struck, whole = other.snapshots(MATCH)
    assert list(struck.players) == [
        {"client_id": 1, "name": "anna", "status": "CONNECTED", "entity": 7, "player": gone}
    ], "a name is a text, to the letter"
    assert [*struck.entities][299] == {"entity": 300, "owner": {"name": gone}}
    assert whole == read(snapshot(2, players=[], state={}))
    assert store.forget(ANNA, ["Anna"]) == Forgotten(), "it is all gone"


def test_a_store_is_let_go_of_and_opened_again(store: Store, opener: Opener) -> None:
    """Closing twice is fine, using it afterwards is a mistake with a name."""
    store.write(Batch(saves=[save()]))
    store.close()
    store.close()

    with pytest.raises(StoreError):
        store.write(Batch(saves=[save()]))
    with pytest.raises(StoreError):
        store.matches()
    assert list(opener().saves()) == [save()]
