"""A player's record: who is meant, when it was there, and all that is kept of it."""

import pytest

from ecsnet.errors import EcsnetError
from ecsnet.storage.playerrecord import Identity, Stay, export, identify, saves_of, stays
from ecsnet.storage.store import Batch, Document, Match, Save, SaveName, Store
from tests.storage.plausible import (
    ANNA,
    BEGAN,
    BERT,
    FIRST,
    NASTY,
    OPEN,
    SECOND,
    happened,
    session,
    stood,
    write_evening,
)

ALL_OF_ANNA = Identity(ANNA, ("Anna the Bold", "anna"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("anna", ALL_OF_ANNA),
        (ANNA, ALL_OF_ANNA),
        ("Anna the Bold", ALL_OF_ANNA),
        ("bert", Identity(BERT, ("bert",))),
        (NASTY, Identity("", (NASTY,))),
    ],
)
def test_a_name_or_an_owner_leads_to_all_names_of_a_player(evening: Store, text: str, found: Identity) -> None:
    """Whoever proved who it was, was the same under each of them; of a guest there is but the name."""
    assert identify(evening, text) == found


@pytest.mark.parametrize("text", ["Anna", "", "world", "server", "account"])
def test_who_is_not_known_is_told(evening: Store, text: str) -> None:
    """The world is no player, so nobody forgets it by a slip."""
    with pytest.raises(EcsnetError, match="nothing is kept of a player"):
        identify(evening, text)


def test_a_name_of_several_players_is_refused(empty: Store) -> None:
    """One of them would be deleted for the other."""
    write_evening(empty)
    empty.write(Batch(saves=[Save(name=SaveName("knight", "token/7"), revision=1, time=1.0, player="anna")]))
    with pytest.raises(
        EcsnetError, match="'anna' is what several players were called: name one, account/anna or token/7"
    ):
        identify(empty, "anna")

    assert identify(empty, "token/7") == Identity("token/7", ("anna",))


def told(found: Stay) -> tuple[str, str, float, str, str]:
    return found.match.id, found.person.name, found.seconds, found.ended, found.reason


def test_a_player_stays_from_coming_to_leaving(evening: Store) -> None:
    """How each stay ended, and why; a match that is on has not ended it."""
    assert [told(stay) for stay in stays(evening, identify(evening, "anna"))] == [
        (FIRST, "anna", 305.0, "left", "SERVER_CLOSING"),
        (SECOND, "Anna the Bold", 80.0, "lost", "nothing heard for 10 s"),
    ]
    assert [told(stay) for stay in stays(evening, identify(evening, "bert"))] == [
        (FIRST, "bert", 156.0, "lost", "nothing heard for 10 s"),
        (FIRST, "bert", 136.0, "left", "goodbye"),
        (OPEN, "bert", 60.0, "", ""),
    ]


def test_a_match_that_ends_ends_the_stay(empty: Store) -> None:
    """A server that closes a match need not see everybody off."""
    match = Match(id=FIRST, game="soccer", started=BEGAN, ended=BEGAN + 50.0, ending="closed")
    empty.write(Batch(matches=[match], events=happened(FIRST, BEGAN, (10.0, "joined", [ANNA], session(1, "anna")))))
    [stay] = stays(empty, identify(empty, "anna"))

    assert (stay.seconds, stay.ended, stay.until) == (40.0, "closed", BEGAN + 50.0)


def test_a_stay_goes_on_when_the_server_was_started_anew(empty: Store) -> None:
    """Nobody saw the player leave; he returns, and has been there once."""
    events = happened(
        FIRST,
        BEGAN,
        (10.0, "joined", [ANNA], session(1, "anna")),
        (40.0, "returned", [ANNA], session(1, "anna")),
        (50.0, "left", [ANNA], session(1, "anna", "LEFT")),
    )
    empty.write(Batch(matches=[Match(id=FIRST, game="soccer", started=BEGAN)], events=events))

    assert [told(stay) for stay in stays(empty, identify(empty, "anna"))] == [(FIRST, "anna", 40.0, "left", "LEFT")]


def test_two_guests_of_one_name_have_a_stay_each(empty: Store) -> None:
    """The name is all that is known of either; who left first did not take the other along."""
    events = happened(
        FIRST,
        BEGAN,
        (10.0, "joined", [], session(1, "bot 1")),
        (20.0, "joined", [], session(7, "bot 1")),
        (30.0, "left", [], session(1, "bot 1", "LEFT")),
        (50.0, "left", [], session(7, "bot 1", "KICKED")),
    )
    empty.write(Batch(matches=[Match(id=FIRST, game="soccer", started=BEGAN)], events=events))

    assert [told(stay) for stay in stays(empty, identify(empty, "bot 1"))] == [
        (FIRST, "bot 1", 20.0, "left", "LEFT"),
        (FIRST, "bot 1", 30.0, "left", "KICKED"),
    ]


def test_while_the_server_is_down_nobody_plays(empty: Store) -> None:
    """It was killed at 40, after its last snapshot at 30 and an event at 35; nobody came back when it was resumed."""
    events = happened(
        FIRST,
        BEGAN,
        (10.0, "joined", [ANNA], session(1, "anna")),
        (35.0, "GoalScored", [], {}),
        (500.0, "resumed", [], {}),
        (560.0, "left", [ANNA], session(1, "anna", "TIMEOUT")),
    )
    snapshots = [stood(FIRST, BEGAN, seconds, []) for seconds in (30.0, 501.0)]
    empty.write(Batch(matches=[Match(id=FIRST, game="soccer", started=BEGAN)], events=events, snapshots=snapshots))

    assert [told(stay) for stay in stays(empty, identify(empty, "anna"))] == [(FIRST, "anna", 25.0, "stopped", "")]


def test_an_export_has_all_that_is_kept_of_a_player_and_no_more(evening: Store) -> None:
    """What a request for one's data asks for: saves, matches, events and the state of one's own entities."""
    found = list(export(evening, identify(evening, "anna")))
    kinds = [document["kept"] for document in found]

    assert found[0] == {"kept": "player", "owner": ANNA, "names": ["Anna the Bold", "anna"]}
    assert {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)} == {
        "player": 1,
        "save": 1,
        "match": 2,
        "event": 5,
        "snapshot": 12,
    }
    first = next(document for document in found if document["kept"] == "snapshot")
    assert [player["name"] for player in first["players"]] == ["anna"]  # type: ignore[attr-defined]
    assert [entity["entity"] for entity in first["entities"]] == [11]  # type: ignore[attr-defined]


def test_an_export_has_what_the_world_and_the_server_keep_of_a_player(empty: Store) -> None:
    """An offer in a market, a session to go on with: it is of the player, whoever's save it is in."""
    write_evening(empty)
    offer = Save(
        name=SaveName("knight", "world", "stall"), revision=1, time=1.0, components={"Offer": {"by": ["bert"]}}
    )
    other = Save(
        name=SaveName("knight", "server", "s/1"), revision=1, time=1.0, components={"session": {"name": "bertie"}}
    )
    empty.write(Batch(saves=[offer, other]))
    kept = [document["name"] for document in export(empty, identify(empty, "bert")) if document["kept"] == "save"]

    assert kept == [{"game": "knight", "owner": "world", "key": "stall"}]


def test_an_export_has_no_secret_of_the_server(empty: Store) -> None:
    """By the id of a session one goes on as that player: whoever gets the export by mistake would."""
    told: Document = {"session": "ab" * 16, "player_key": "cd" * 32, "name": "bert", "client_id": 2}
    known = Save(name=SaveName("knight", "server", "s/session/2"), revision=1, time=1.0, components={"session": told})
    write_evening(empty)
    empty.write(Batch(saves=[known]))
    [kept] = [document for document in export(empty, identify(empty, "bert")) if document["kept"] == "save"]

    assert kept["components"] == {"session": {"name": "bert", "client_id": 2}}


def test_an_export_is_empty_after_a_deletion(empty: Store) -> None:
    """Neither says anything that the other does not know of."""
    write_evening(empty)
    identity = identify(empty, "anna")
    gone = empty.forget(identity.owner, identity.names)

    assert gone.saves == 1
    assert gone.events == 4
    assert gone.changed > 0
    assert [document["kept"] for document in export(empty, identity)] == ["player"]
    assert list(saves_of(empty, identity)) == []
    assert {save.name.owner for save in empty.saves()} == {"world"}


def test_who_is_in_a_save_of_the_world_alone_is_found(empty: Store) -> None:
    """Matches are deleted after some weeks; the sign on a house is not."""
    house = Save(name=SaveName("knight", "world", "house"), revision=1, time=1.0, components={"Sign": {"of": "Zoe"}})
    empty.write(Batch(saves=[house]))
    identity = identify(empty, "Zoe")

    assert identity == Identity("", ("Zoe",))
    assert empty.forget(identity.owner, identity.names).changed == 1
    for text in ("Zoe", ""):
        with pytest.raises(EcsnetError, match="nothing is kept of a player"):
            identify(empty, text)


def test_a_guest_is_forgotten_by_name(empty: Store) -> None:
    """There is nothing else to know it by; what others did stays."""
    write_evening(empty)
    identity = identify(empty, NASTY)
    empty.forget(identity.owner, identity.names)

    assert [document["kept"] for document in export(empty, identity)] == ["player"]
    assert len(list(empty.events(FIRST))) == 14
