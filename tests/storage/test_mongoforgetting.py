"""A player is deleted from a database while a server writes to it, and nothing that it wrote is undone."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import replace

import pytest

from ecsnet.storage import batches, mongoforgetting
from ecsnet.storage.mongostore import MongoStore
from ecsnet.storage.store import Batch, Match, Save, SaveName

pytestmark = pytest.mark.process

MATCH = Match(id="20261130-180000-chess", game="chess", started=1.0, summary={"best": "Anna"})
BOARD = Save(name=SaveName("chess", "world"), revision=1, time=1.0, components={"Board": {"moved": "Anna", "move": 1}})


def test_what_a_server_writes_between_reading_and_striking_out_stays(
    mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A match that ended is not on again, and the world's save is not put back to what it was."""
    strike_out = batches.strike_out
    ended = replace(MATCH, ended=2.0, ending="finished")
    moved = replace(BOARD, revision=2, components={"Board": {"moved": "Anna", "move": 2}})
    with closing(MongoStore(mongo_url)) as store, closing(MongoStore(mongo_url)) as server:
        store.write(Batch(matches=[MATCH], saves=[BOARD]))
        late = {"best": Batch(matches=[ended]), "Board": Batch(saves=[moved])}

        def slowly(value: object, names: Collection[str]) -> object:
            assert isinstance(value, dict)
            server.write(late.pop(next(iter(value)), Batch()))
            return strike_out(value, names)

        monkeypatch.setattr(mongoforgetting, "strike_out", slowly)
        store.forget("account/anna", ["Anna"])

        assert not late
        assert server.matches() == [replace(ended, summary={"best": "(deleted)"})]
        assert list(server.saves()) == [replace(moved, components={"Board": {"moved": "(deleted)", "move": 2}})]
