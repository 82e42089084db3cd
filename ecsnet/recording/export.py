"""Export: a stretch of a recording as documents, for whoever asks what nobody has thought of.

One for each send tick, with all there was, and one for each call or event that everybody was told. Components are named
as in a store, with what travels of them; entities have the server's numbers.
"""

from collections.abc import Iterator

from ecsnet.gameevent import EventSpec
from ecsnet.recording.reader import Moment, Recording
from ecsnet.recording.rebuild import Rebuilt
from ecsnet.replication.schema import Schema
from ecsnet.storage.forms import form_of
from ecsnet.storage.store import Document
from ecsnet.storage.values import NotKeptError, value_form
from ecsnet.systems.callmessages import Arrived, CallTable, unpack_head

__all__ = ["documents"]


def documents(
    recording: Recording, schema: Schema, *, since_seconds: float = 0.0, until_seconds: float | None = None
) -> Iterator[tuple[float, Document]]:
    """Yield (seconds, document), in order.

    Raises:
        RecordingError: It is no recording of this game.
    """
    rebuilt, table = Rebuilt(recording, schema), CallTable(schema.remotes)
    for moment in rebuilt.run(since_seconds):
        seconds = recording.time_of(moment.tick)
        if until_seconds is not None and seconds > until_seconds:
            return
        if seconds < since_seconds:
            continue  # played from an earlier moment that is whole
        yield seconds, {**_when(recording, moment), "entities": _entities(rebuilt, schema)}
        for message in moment.calls:
            _, _, offset = unpack_head(message)
            yield seconds, {**_when(recording, moment), **_told(table.unpack_call(0, message, offset))}


def _when(recording: Recording, moment: Moment) -> Document:
    seconds = recording.time_of(moment.tick)
    return {"tick": moment.tick, "seconds": round(seconds, 4), "time": round(recording.header.started + seconds, 4)}


def _entities(rebuilt: Rebuilt, schema: Schema) -> list[Document]:
    name_of = rebuilt.receiver.network_id_of
    named = sorted((name_of(entity), entity) for entity in rebuilt.receiver.confirmed)
    return [{"entity": name, "components": _components(rebuilt, schema, entity)} for name, entity in named]


def _components(rebuilt: Rebuilt, schema: Schema, entity: int) -> Document:
    """Return what travels of an entity, by the names of components and fields."""
    found: dict[str, Document] = {}
    for record_id in sorted(rebuilt.receiver.confirmed[entity]):
        record = schema.records[record_id]
        values = record.codec.read(rebuilt.world.component_for_entity(entity, record.cls))
        named = record.cls()
        record.codec.apply(named, record.codec.map_refs(values, rebuilt.receiver.network_id_of))
        form = form_of(record.cls)
        document = form.document(form.copy(named))
        names = [declared.name for declared in record.fields]
        found.setdefault(record.name, {}).update({name: document[name] for name in names if name in document})
    return {name: found[name] for name in sorted(found)}


def _told(arrived: Arrived) -> Document:
    remote = arrived.entry.remote
    if isinstance(remote, EventSpec):
        event = remote.make(arrived.values)
        form = form_of(type(event))
        return {"event": remote.name, "data": form.document(form.copy(event))}
    pairs = zip(remote.parameters, arrived.values, strict=True)
    return {"call": remote.name, "data": {declared.name: _plain(declared.type, value) for declared, value in pairs}}


def _plain(declared: type, value: object) -> object:
    try:
        return value_form(declared).write(value)
    except NotKeptError:  # a codec of the game's own
        return repr(value)
