"""What an inspector saw, as lines of text: as much as fits, and how much more there is."""

from collections.abc import Mapping, Sequence

from ecsnet.quoting import counted
from ecsnet.storage.store import Document

__all__ = ["table"]

UNBOUNDED = 1 << 30
SHARE = 3  # clients, and rooms, take a third of the lines each at most: what they leave is the entities'
MAX_CELL_CHARACTERS = 26  # of all but the last column: a name has 24 at most
MAX_VALUE_CHARACTERS = 40  # of one field: a long list says no more by being whole
_KNOWN = {"game", "version", "server_key", "players", "max_players", "clients", "rooms"}


def table(seen: Document, *, width: int = UNBOUNDED, height: int = UNBOUNDED) -> list[str]:
    """Return what was seen in at most so many lines of so many characters; where there is any room, nothing is cut."""
    is_cut = width < UNBOUNDED
    cell, value = (MAX_CELL_CHARACTERS, MAX_VALUE_CHARACTERS) if is_cut else (UNBOUNDED, UNBOUNDED)
    rooms, clients = _documents(seen["rooms"]), _documents(seen["clients"])
    several = len(rooms) > 1
    lines = [_headline(seen), *_parts(seen, value)]
    lines += ["", *_section(_client_rows(clients, several=several), (height - len(lines)) // SHARE, "clients", cell)]
    lines += ["", *_section(_room_rows(rooms), (height - len(lines)) // SHARE, "rooms", cell)]
    matching = sum(room["matching"] for room in rooms if isinstance(room["matching"], int))
    entities = _entity_rows(rooms, value, several=several)
    lines += ["", *_section(entities, height - len(lines) - 1, "entities", cell, matching)]
    count = sum(room["count"] for room in rooms if isinstance(room["count"], int))
    if count and not matching:
        lines.append(f"not found among {counted(count, 'entity', 'entities')}")
    return [_clean(line, width) for line in lines[:height]]


def _headline(seen: Document) -> str:
    name = f"{seen['game']} {seen['version']}".rstrip()
    return f"{name}   {seen['players']} of {seen['max_players']} players   key {seen['server_key']}"


def _parts(seen: Document, most: int) -> list[str]:
    """Return a line for every other part of the server that has something to tell, whatever that is."""
    return [f"{name}: {_said(said, most)}" for name, said in seen.items() if name not in _KNOWN]


def _said(said: object, most: int) -> str:
    """Return what a part tells, without what is empty."""
    if not isinstance(said, Mapping):
        return str(said)
    return _fields({name: value for name, value in said.items() if value is not None and value != ""}, most)


def _client_rows(clients: Sequence[Document], *, several: bool) -> list[list[str]]:
    head = ["CLIENT", "NAME", *["ROOM"] * several, "STATUS", "SINCE", "RTT ms", "LOSS %", "KNOWN BY", "FROM"]
    rows = []
    for client in clients:
        lost = max(float(str(client["loss_sent"])), float(str(client["loss_received"])))
        row = [client["client_id"], client["name"], *[client["room"]] * several, client["status"]]
        row += [
            _duration(client["seconds"]),
            f"{float(str(client['rtt_ms'])):.1f}",
            f"{100 * lost:.1f}",
            client["player"] or "-",
            _place(client),
        ]
        rows.append([str(cell) for cell in row])
    return [head, *rows]


def _room_rows(rooms: Sequence[Document]) -> list[list[str]]:
    head = ["ROOM", "NAME", "PLAYERS", "TICK", "LATE", "SKIPPED", "ENTITIES", "STATUS"]
    names = ("tick", "late_ticks", "skipped_ticks", "count", "status")
    return [head] + [
        [
            str(room["code"]) or "-",
            str(room["name"]) or "-",
            f"{room['players']}/{room['capacity']}",
            *[str(room[name]) for name in names],
        ]
        for room in rooms
    ]


def _entity_rows(rooms: Sequence[Document], most: int, *, several: bool) -> list[list[str]]:
    rows = [["ENTITY", *["ROOM"] * several, "OWNER", "COMPONENTS"]]
    for room in rooms:
        for entity in _documents(room["entities"]):
            owner, components = entity.get("owner"), entity["components"]
            assert isinstance(components, Mapping)
            said = "   ".join(f"{name} {_fields(fields, most)}".rstrip() for name, fields in components.items())
            shown = said or "(no components)"
            rows.append([str(entity["entity"]), *[str(room["code"])] * several, _owner(owner), shown])
    return rows


def _section(rows: Sequence[Sequence[str]], height: int, what: str, most: int, total: int | None = None) -> list[str]:
    """Return a table with its head; where it is longer than the height, the last line tells how much is missing.

    Args:
        most: So many characters of a cell; of the last one, all.
        total: How many rows there are, the head not counted, if not all of them are given.
    """
    total = len(rows) - 1 if total is None else total
    shown = rows if len(rows) == total + 1 <= height else rows[: max(1, height - 1)]
    widths = [min(most, max(len(cell) for cell in column)) for column in list(zip(*shown, strict=True))[:-1]]
    lines = [
        "  ".join([*[cell[:width].ljust(width) for cell, width in zip(row, widths, strict=False)], row[-1]])
        for row in shown
    ]
    missing = total + 1 - len(shown)
    return [*lines, f"... {missing} more {what}"] if missing else lines


def _documents(listed: object) -> list[Document]:
    assert isinstance(listed, list)
    return listed


def _fields(said: object, most: int) -> str:
    """Return the fields of a component, or whatever else has names, each in at most so many characters."""
    if not isinstance(said, Mapping):
        return str(said)
    return " ".join(f"{name}={_short(value, most)}" for name, value in said.items())


def _short(value: object, most: int) -> str:
    if isinstance(value, Mapping):
        value = f"({_fields(value, most)})"
    said = f"{value:g}" if isinstance(value, float) else str(value)
    return said if len(said) <= most else said[: most - 1] + "…"


def _owner(owner: object) -> str:
    if not isinstance(owner, Mapping):
        return "-"
    return f"{owner['client_id']} {owner['name']}".rstrip()


def _place(client: Document) -> str:
    address = client["address"]
    assert isinstance(address, list)
    host, port = address
    if not host:  # known from the run before this one, and not back yet
        return "-"
    return f"{client['transport']} {f'[{host}]' if ':' in host else host}:{port}"


def _duration(seconds: object) -> str:
    whole = int(float(str(seconds)))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _clean(line: str, width: int) -> str:
    """Cut a line, and let nothing through that a terminal would obey: much of it is what players wrote."""
    printable = "".join([c if c.isprintable() else "?" for c in line]).rstrip()
    return printable if len(printable) <= width else printable[: width - 1] + "…"
