"""What a server has kept answers the questions of those who were not there."""

from pathlib import Path

from ecsnet.components import LobbyStage, Stage
from ecsnet.storage.jumps import jumps
from ecsnet.storage.people import before_leaving, told
from ecsnet.storage.playerrecord import export, identify, stays
from ecsnet.storage.questions import figures_of, find_match, narrowed, snapshot_at
from tests.simulation.bazaar import EPOCH, Bazaar, buy, buy_now

ANNA = "account/anna"


def test_who_stays_for_another_match_is_known_in_it(tmp_path: Path) -> None:
    """Nobody joins it, and yet they are there: by name, in the figures, and in each one's record."""
    bazaar = Bazaar(tmp_path)
    anna = bazaar.join("anna")
    stage = LobbyStage(Stage.RUNNING)
    bazaar.sim.server.world.create_entity(stage)
    for reached in (Stage.RUNNING, Stage.FINISHED, Stage.WAITING):
        stage.stage = reached
        bazaar.sim.run(2)
    bazaar.ask(anna, buy, anna.entity, "axe")
    anna.close(now=bazaar.sim.now)
    bazaar.sim.run(1)
    first, second = bazaar.store.matches()
    kinds = [one.event.kind for one in told(bazaar.store, second) if one.is_about({"anna"})]

    assert kinds == ["stayed", "Bought", "left"]
    assert [figures_of(bazaar.store, match).players for match in (first, second)] == [1, 1]
    assert [(stay.match, stay.ended) for stay in stays(bazaar.store, identify(bazaar.store, ANNA))] == [
        (first, "finished"),
        (second, "left"),
    ]


def test_questions_about_a_killed_server_are_answered(tmp_path: Path) -> None:
    """What anna did before she left, what she had, and that nothing of it is impossible."""
    bazaar = Bazaar(tmp_path)
    anna = bazaar.join("anna")
    bazaar.sim.run(2.5)
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.ask(anna, buy_now, anna.entity, "saw")
    bazaar.sim.run(2)
    killed = EPOCH + bazaar.sim.now
    bazaar.kill_and_resume()
    bazaar.sim.run(5)
    anna.close(now=bazaar.sim.now)
    bazaar.sim.run(8)
    store = bazaar.store
    match = find_match(store, "last")
    gone = [one.event.kind for one in before_leaving(told(store, match), {"anna"}, 60.0)]
    found = list(jumps(store.snapshots(match.id), ["Purse.coins"], 5.0, tick_rate_hz=match.tick_rate_hz))
    [purse] = narrowed(snapshot_at(store, match, killed), names={ANNA}, having="Purse")

    assert gone == ["joined", "Bought", "Bought", "resumed", "returned", "left"]
    assert [jump.before - jump.after for jump in found] == [20.0]
    assert found[0].person.owner == ANNA
    assert purse["components"]["Purse"]["bought"] == ["axe", "saw"]  # type: ignore[index]
    assert {"player", "save", "match", "event", "snapshot"} == {
        document["kept"] for document in export(store, identify(store, "anna"))
    }
