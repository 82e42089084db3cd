"""The table of `ecsnet inspect`: what fits is shown, what does not is counted, and nothing of it moves a terminal."""

from typing import Any

import pytest

from ecsnet.inspectiontable import table


def seen(clients: int = 2, rooms: int = 1, entities: int = 3, **more: Any) -> dict[str, object]:
    client = {
        "client_id": 7, "name": "ada", "room": "KXQ", "status": "connected", "seconds": 3725.4, "rtt_ms": 12.345,
        "loss_sent": 0.01, "loss_received": 0.125, "player": "account/ada",
        "address": ["2001:db8::1", 4711], "transport": "udp",
    }  # fmt: skip
    entity = {"entity": 5, "owner": {"client_id": 7, "name": "ada"}, "components": {"Place": {"x": 1.25, "on": True}}}
    room = {
        "code": "KXQ", "name": "Ada's", "players": 2, "capacity": 4, "tick": 99, "late_ticks": 1, "skipped_ticks": 0,
        "count": entities, "matching": entities, "status": "2 : 1", "entities": [entity] * entities,
    }  # fmt: skip
    head = {"game": "soccer", "version": "1.2", "server_key": "5f0c", "players": clients, "max_players": 32}
    return head | more | {"clients": [client] * clients, "rooms": [room] * rooms}


def test_everything_is_shown_where_there_is_room() -> None:
    """One room needs no column that says which."""
    assert table(seen(clients=1, entities=1, ticks={"p50_ms": 0.5, "late": 0}, store="a.db")) == [
        "soccer 1.2   1 of 32 players   key 5f0c",
        "ticks: p50_ms=0.5 late=0",
        "store: a.db",
        "",
        "CLIENT  NAME  STATUS     SINCE    RTT ms  LOSS %  KNOWN BY     FROM",
        "7       ada   connected  1:02:05  12.3    12.5    account/ada  udp [2001:db8::1]:4711",
        "",
        "ROOM  NAME   PLAYERS  TICK  LATE  SKIPPED  ENTITIES  STATUS",
        "KXQ   Ada's  2/4      99    1     0        1         2 : 1",
        "",
        "ENTITY  OWNER  COMPONENTS",
        "5       7 ada  Place x=1.25 on=True",
    ]


@pytest.mark.parametrize("height", range(8, 60, 3))
@pytest.mark.parametrize(("clients", "rooms", "entities"), [(0, 1, 0), (2, 1, 100), (50, 1, 5), (50, 40, 50)])
def test_a_terminal_of_any_height_shows_what_fits_and_how_much_more(
    height: int, clients: int, rooms: int, entities: int
) -> None:
    """No line too many, which would scroll; each part has its head; what is left out is counted, to one."""
    lines = table(seen(clients, rooms, entities), width=80, height=height)
    heads = [number for number, line in enumerate(lines) if line.startswith(("CLIENT", "ROOM", "ENTITY"))]
    for head, end, total in zip(heads, [*heads[1:], len(lines) + 1], (clients, rooms, rooms * entities), strict=False):
        part = lines[head + 1 : end - 1]
        missing = [int(line.split()[1]) for line in part if line.startswith("...")]
        if end < height:
            assert len(part) - len(missing) + sum(missing) == total

    assert len(lines) <= height
    assert all(len(line) <= 80 for line in lines)


def test_of_entities_that_were_not_sent_the_number_is_shown() -> None:
    """A terminal asks for no more than it has lines."""
    shown = seen(clients=0, entities=2)
    shown["rooms"][0]["matching"] = 1000  # type: ignore[index]

    assert table(shown)[-1] == "... 998 more entities"


def test_what_players_wrote_does_not_move_the_terminal() -> None:
    """No escapes, no line breaks, nothing that turns the writing round."""
    shown = seen(clients=1, entities=1)
    shown["rooms"][0]["entities"][0]["components"] = {"Said": {"text": "\x1b[2J\n\u202ex"}}  # type: ignore[index]

    lines = table(shown)
    assert all(line.isprintable() for line in lines)
    assert lines[-1].endswith("Said text=?[2J??x")


def test_a_long_line_is_cut_and_a_long_value_too() -> None:
    """A list of a thousand elements would push all else out of sight."""
    shown = seen(clients=0, entities=1)
    shown["rooms"][0]["entities"][0]["components"] = {"Bag": {"items": [1] * 999, "n": 3}}  # type: ignore[index]

    assert table(shown)[-1].endswith("1, 1] n=3"), "in a pipe nothing is cut"
    assert table(shown, width=200)[-1].endswith("1, 1,… n=3")
    assert len(table(shown, width=30)[-1]) == 30
    assert table(shown, width=30)[-1].endswith("…")


def test_of_the_store_what_is_empty_is_left_out_and_the_rest_is_whole() -> None:
    """Its path may be long, and is what one looks for."""
    where = "/srv/games/" + 5 * "a-long-name/" + "soccer.ecsnet.db"
    store = {"where": where, "writes": 15, "waiting": 0, "failing": "", "failing_seconds": None}

    assert table(seen(store=store))[1] == f"store: where={where} writes=15 waiting=0"


def test_what_has_no_components_or_no_address_is_shown_as_that() -> None:
    """A player of the run before the server was started anew has come from nowhere yet."""
    shown = seen(clients=1, entities=1)
    shown["clients"][0] |= {"status": "lost", "address": ["", 0]}  # type: ignore[index]
    shown["rooms"][0]["entities"][0] |= {"components": {}}  # type: ignore[index]
    lines = table(shown)

    assert lines[3].endswith("account/ada  -")
    assert lines[-1] == "5       7 ada  (no components)"


def test_where_no_entity_matches_that_is_said() -> None:
    """An empty table would look as if the world were."""
    shown = seen(entities=0)
    shown["rooms"][0] |= {"count": 17, "matching": 0}  # type: ignore[index]

    assert table(shown)[-1] == "not found among 17 entities"
