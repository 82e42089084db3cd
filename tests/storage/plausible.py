"""Matches as a server keeps them: an evening of three, with a loss, a cheat, a teleport and a guest of a nasty name."""

import random
from collections.abc import Sequence

from ecsnet.storage.store import Batch, Document, Match, Save, SaveName, Snapshot, Store, StoredEvent

BEGAN = 1796061600.0  # 2026-11-30T18:00:00Z
ANNA, BERT = "account/anna", "key/ab12"
NASTY = "=1+1\x1b[31m"
FIRST, SECOND, OPEN = "20261130-180000-soccer", "20261130-190000-knight", "20261130-200000-soccer"
RATE_HZ = 60


def write_evening(store: Store) -> None:
    """Fill a store with all of it."""
    store.write(Batch(matches=[first_match(), second_match(), open_match()], saves=saves()))
    store.write(Batch(events=[*first_events(), *second_events(), *open_events()], snapshots=first_snapshots()))
    store.write(Batch(snapshots=second_snapshots()))


def first_match() -> Match:
    """Soccer of five minutes, played to its end."""
    summary: Document = {"home": 2, "away": 1, "winner": "HOME"}
    return Match(
        id=FIRST, game="soccer", version="1.0", started=BEGAN, ended=BEGAN + 305.0, ending="finished", summary=summary
    )


def second_match() -> Match:
    """Knight in a room, from which everybody went."""
    began = BEGAN + 3600
    return Match(id=SECOND, game="knight", room="ABCD", started=began, ended=began + 90.0, ending="abandoned")


def open_match() -> Match:
    """Soccer that is on, or was when the server died."""
    return Match(id=OPEN, game="soccer", version="1.0", started=BEGAN + 7200)


def happened(match: str, began: float, *told: tuple[float, str, Sequence[str], Document]) -> list[StoredEvent]:
    """Return events, numbered, each of so many seconds after the start."""
    return [
        StoredEvent(
            match=match,
            number=number,
            tick=round(seconds * RATE_HZ),
            time=began + seconds,
            kind=kind,
            players=tuple(players),
            data=data,
        )
        for number, (seconds, kind, players, data) in enumerate(told, 1)
    ]


def session(client_id: int, name: str, reason: str = "", text: str = "", room: str = "") -> Document:
    """Return what the server tells of a connection."""
    return {"client_id": client_id, "name": name, "reason": reason, "text": text, "room": room}


def first_events() -> list[StoredEvent]:
    """Bert breaks off at 2:40 and is back at 2:48; the guest leaves, and Anna is there to the end."""
    refused: Document = {
        "client_id": 2,
        "rpc": "kick",
        "code": "RATE",
        "text": "kick may be called 4 times a second",
        "more": 7,
    }
    return happened(
        FIRST,
        BEGAN,
        (0.0, "joined", [ANNA], session(1, "anna")),
        (4.0, "joined", [BERT], session(2, "bert")),
        (5.0, "joined", [], session(3, NASTY)),
        (8.0, "match-began", [], {}),
        (60.0, "GoalScored", [], {"scorer": 11, "home": 1, "away": 0}),
        (100.0, "left", [], session(3, NASTY, "LEFT")),
        (129.5, "Said", [], {"player": 11, "name": "anna", "text": "bert?", "to_team": False}),
        (131.0, "refused-call", [BERT], refused),
        (150.0, "doubted", [], {"client_id": 2, "refused": 40, "changed": 0, "unread": 0}),
        (160.0, "lost", [BERT], session(2, "bert", "TIMEOUT", "nothing heard for 10 s")),
        (168.0, "returned", [BERT], session(2, "bert")),
        (300.0, "match-ended", [], {"summary": {"home": 2, "away": 1}}),
        (304.0, "left", [BERT], session(2, "bert", "LEFT", "goodbye")),
        (305.0, "left", [ANNA], session(1, "anna", "SERVER_CLOSING")),
    )


def first_snapshots() -> list[Snapshot]:
    """One each half minute; Bert's x jumps at 2:30, Anna is teleported at 3:30."""
    chance = random.Random(1)
    found = []
    for number in range(1, 11):
        seconds = 30.0 * number
        anna = (100.0 + number if seconds < 210 else 900.0 + number, 300 + chance.uniform(-40, 40))
        bert = (700.0 + number if seconds < 150 else 30.0 + number, 320 + chance.uniform(-40, 40))
        entities = [
            player(11, 1, "anna", anna, Teleports={"count": int(seconds >= 210)}),
            player(12, 2, "bert", bert),
            {"entity": 20, "components": {"Transform2D": {"x": 480.0, "y": 320.0, "rotation": 0.0}, "Ball": {}}},
        ]
        found.append(stood(FIRST, BEGAN, seconds, entities))
    return found


def stood(match: str, began: float, seconds: float, entities: list[Document]) -> Snapshot:
    """Return a snapshot of so many seconds after the start, with Anna and Bert."""
    players: list[Document] = [
        {"client_id": 1, "name": "anna", "status": "CONNECTED", "entity": 11, "player": ANNA},
        {"client_id": 2, "name": "bert", "status": "CONNECTED", "entity": 12, "player": BERT},
    ]
    return Snapshot(
        match=match,
        tick=round(seconds * RATE_HZ),
        time=began + seconds,
        seconds=seconds,
        players=players,
        count=len(entities),
        entities=entities,
    )


def player(entity: int, client_id: int, name: str, place: tuple[float, float], **more: Document) -> Document:
    """Return a player's entity."""
    components: Document = {
        "Player": {"client_id": client_id, "name": name, "status": "CONNECTED"},
        "Transform2D": {"x": place[0], "y": place[1], "rotation": 0.0},
        **more,
    }
    return {"entity": entity, "owner": {"client_id": client_id, "name": name}, "components": components}


def second_events() -> list[StoredEvent]:
    """Anna, under another name, is lost for good."""
    return happened(
        SECOND,
        BEGAN + 3600,
        (0.0, "joined", [ANNA], session(5, "Anna the Bold", room="ABCD")),
        (80.0, "lost", [ANNA], session(5, "Anna the Bold", "TIMEOUT", "nothing heard for 10 s", "ABCD")),
    )


def second_snapshots() -> list[Snapshot]:
    """Anna's gold rises by far too much."""
    return [
        stood(SECOND, BEGAN + 3600, 30.0, [player(11, 5, "Anna the Bold", (0, 0), Gold={"amount": 10})]),
        stood(SECOND, BEGAN + 3600, 60.0, [player(11, 5, "Anna the Bold", (0, 0), Gold={"amount": 5000})]),
    ]


def open_events() -> list[StoredEvent]:
    """Bert is in it."""
    return happened(OPEN, BEGAN + 7200, (1.0, "joined", [BERT], session(1, "bert")), (61.0, "match-began", [], {}))


def saves() -> list[Save]:
    """What Anna has for good, and the world."""
    return [
        Save(
            name=SaveName("knight", ANNA),
            revision=3,
            time=BEGAN + 3650,
            player="anna",
            components={"Gold": {"amount": 50}},
        ),
        Save(name=SaveName("knight", "world", "market"), revision=1, time=BEGAN, components={"Market": {"stock": 4}}),
    ]
