"""A client's lines in the server's log: whose they are, how many, and never a forged one."""

import logging

import pytest

from ecsnet import Client
from ecsnet.components import Player
from ecsnet.config import RoomConfig, ServerConfig
from ecsnet.enginecalls import LINES_PER_SECOND, MAX_LINE_BYTES, SPARE, client_log
from ecsnet.errors import SchemaError
from ecsnet.game import Game
from ecsnet.peer import CALLS
from ecsnet.systems.callmessages import CallTable, pack_call
from ecsnet.systems.hall import HALL
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation

game = Game("quiet", tick_rate_hz=20, send_rate_hz=20)


@pytest.fixture(autouse=True)
def _log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="ecsnet.client")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "ecsnet.client"]


def test_a_line_says_whose_it_is(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    """With the number and the name of the client, and the level it gave."""
    sim = Simulation(game, clients=0, link=Link.POOR, seed=1, transport=transport)
    ada = sim.join("ada")
    ada.log("the ball is gone")
    ada.log("it is back", logging.DEBUG)
    sim.run(3)

    assert lines(caplog) == [
        f'client={ada.client_id} name="ada" text="the ball is gone"',
        f'client={ada.client_id} name="ada" text="it is back"',
    ]
    assert [record.levelno for record in caplog.records if record.name == "ecsnet.client"] == [20, 10]


def test_no_line_can_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    """What a client chose stands in quotes, on one line."""
    sim = Simulation(game, clients=0)
    client = sim.join('eve" text="')
    client.log('x\nclient=1 name="ada" text="hi"\x1b[2J')
    sim.run(0.5)

    assert lines(caplog) == [
        f'client={client.client_id} name="eve\\" text=\\"" text="x\\nclient=1 name=\\"ada\\" text=\\"hi\\"\\u001b[2J"'
    ]


def test_a_long_line_is_cut_between_characters(caplog: pytest.LogCaptureFixture) -> None:
    """At 400 bytes of UTF-8."""
    sim = Simulation(game, clients=1)
    sim.clients[0].log("x" + 300 * "ö")
    sim.run(0.5)

    assert lines(caplog)[0].endswith(f'text="x{(MAX_LINE_BYTES - 1) // 2 * "ö"}"')


def test_too_many_lines_are_dropped_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Five at once, and five a second; a client in a loop costs the server's disk nothing."""
    sim = Simulation(game, clients=1)
    client = sim.clients[0]
    for number in range(100):
        client.log(str(number))
    sim.run(2)
    client.log("later")
    client.log("still")
    sim.run(0.5)

    assert [line.partition("text=")[2] for line in lines(caplog)] == [
        *[f'"{number}"' for number in range(5)],
        '"later" dropped=95',
        '"still"',
    ]


def test_a_client_that_keeps_to_no_limit_is_held_to_one(caplog: pytest.LogCaptureFixture) -> None:
    """The server takes ten at once and ten a second, and says how many more there were, once, when it is over."""
    sim = Simulation(game, clients=1)
    cheat = sim.clients[0]
    entry = CallTable(cheat.schema.remotes).entry_of(client_log)
    for _ in range(200):
        flood(cheat, pack_call(0, entry, 0, entry.arguments.pack((logging.ERROR, "!", 0))))
    sim.run(1)
    before = len(lines(caplog))
    sim.run(2)
    cheat.log("calm")
    sim.run(0.5)
    told = [record.getMessage() for record in caplog.records if "were dropped" in record.getMessage()]

    assert before == SPARE * LINES_PER_SECOND
    assert told == [f"190 calls of client_log by client {cheat.client_id} were dropped: over 10 a second"]
    assert len(lines(caplog)) == before + 1


def test_what_a_flood_was_is_told_when_its_client_leaves(caplog: pytest.LogCaptureFixture) -> None:
    """Else the log would not know of it."""
    sim = Simulation(game, clients=1)
    cheat = sim.clients[0]
    entry = CallTable(cheat.schema.remotes).entry_of(client_log)
    for _ in range(20):
        flood(cheat, pack_call(0, entry, 0, entry.arguments.pack((logging.ERROR, "!", 0))))
    sim.run(0.2)
    cheat.close(now=sim.now)
    sim.run(0.5)

    assert "10 calls of client_log by client 1 were dropped: over 10 a second" in caplog.text


def flood(client: Client, message: bytes) -> None:
    client.conversation.connection.send(CALLS, message)


def test_a_line_without_a_connection_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever logs need not ask first whether there is one."""
    sim = Simulation(game, clients=0)
    client = sim.join(wait=False)
    client.log("too early")
    sim.run_until(lambda: client.is_ready, within_seconds=5)
    client.log("here")
    sim.run(0.5)
    client.close(now=sim.now)
    client.log("too late")

    assert [line.partition("text=")[2] for line in lines(caplog)] == ['"here" dropped=1']


def test_a_player_without_an_entity_logs_without_a_name(caplog: pytest.LogCaptureFixture) -> None:
    """The game may have deleted it; the number says enough."""
    sim = Simulation(game, clients=1, check=False)
    for entity, _ in sim.server.world.get_component(Player):
        sim.server.world.delete_entity(entity)
    sim.clients[0].log("where am I")
    sim.run(0.5)

    assert lines(caplog) == ['client=1 name="" text="where am I"']


def test_the_hall_takes_lines_too(caplog: pytest.LogCaptureFixture) -> None:
    """It is a game like any other."""
    sim = Simulation(game, clients=0, server_config=ServerConfig(rooms=RoomConfig(max_rooms=2)))
    client = sim.join(room=HALL)
    client.log("looking around")
    sim.run(0.5)

    assert len(lines(caplog)) == 1


def test_a_level_of_no_logger_is_the_callers_mistake() -> None:
    """What is critical, a server finds out itself."""
    sim = Simulation(game, clients=1)
    with pytest.raises(SchemaError, match=r"client_log\.level: 50"):
        sim.clients[0].log("help", logging.CRITICAL)
