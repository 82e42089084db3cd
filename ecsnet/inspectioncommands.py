"""The command `ecsnet inspect`: look into a running server, in a table that follows or as JSON."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import click

from ecsnet import keys, udp
from ecsnet.config import ClientConfig
from ecsnet.errors import EcsnetError, KeyFileError
from ecsnet.inspection import inspector_keys
from ecsnet.inspectiontable import table
from ecsnet.inspector import Inspector
from ecsnet.joinlink import JoinLink
from ecsnet.options import key_option
from ecsnet.paths import TRANSPORTS
from ecsnet.protocol import DisconnectReason
from ecsnet.quoting import none_of
from ecsnet.runtime import RunningClient, find_route
from ecsnet.screen import size, whole_screen
from ecsnet.stopsignals import stop_signals
from ecsnet.storage.store import Document
from ecsnet.systems.hall import HALL
from ecsnet.systems.inspection import INSPECTION, Wish
from ecsnet.systems.pipeline import LIGHT_CLIENT
from ecsnet.transport.identity import Identity

__all__ = ["inspect"]

PATIENCE_SECONDS = 10.0  # for something more of an answer
REFRESH_SECONDS = 1.0
MAX_LOOKED_AT = 1000  # entities, for their names
PAUSE_SECONDS = 0.3  # before asking again, also while a window is dragged: a server answers four times a second

_NOBODY_THERE = (DisconnectReason.HANDSHAKE_TIMEOUT, DisconnectReason.TIMEOUT, DisconnectReason.CONNECTION_LOST)
_HINTS = {
    DisconnectReason.SERVER_KEY_MISMATCH: ": name the key file of that server by --key",
    DisconnectReason.WRONG_GAME: ", or it was told not to show itself: ecsnet serve --inspect off",
}


@click.command()
@click.argument("link_text", metavar="[LINK]", default="127.0.0.1")
@key_option
@click.option("--room", default="", show_default=False, help="Show this room, by its code.  [default: all]")
@click.option("--entity", type=click.IntRange(min=1), help="Show this entity.")
@click.option("--component", default="", show_default=False, help="Show entities that have this; only that is shown.")
@click.option("--json", "as_json", is_flag=True, help="Print all there is as a line of JSON.")
@click.option("--watch", is_flag=True, help="With --json: print another line every second, until Ctrl-C.")
@click.option(
    "--transport", type=click.Choice(TRANSPORTS[:2]), help="How to get there.  [default: as LINK says, or udp]"
)
def inspect(
    link_text: str,
    *,
    key_file: Path | None,
    room: str,
    entity: int | None,
    component: str,
    as_json: bool,
    watch: bool,
    transport: str | None,
) -> None:
    """Look into the running server at LINK: clients, rooms, entities with their components, tick times.

    On a terminal it is a table that follows what happens, until Ctrl-C. LINK is a join link, or host:port; without one
    it is the server on this machine. It takes the private key of the server, which is found here by itself.
    """
    if watch and not as_json:
        raise click.UsageError("--watch goes with --json: on a terminal the table follows by itself")
    wish = Wish(HALL if room.lower() == HALL else room.upper(), entity or 0, component)
    with connect(link_text, key_file, transport) as client, stop_signals() as stopped:
        look = Look(Inspector(client), stopped)
        if as_json:
            look.follow(lambda: wish, lambda seen: click.echo(json.dumps(seen)), is_once=not watch)
            look.tell_missing(wish)
        elif sys.stdout.isatty():
            with whole_screen(sys.stdout) as show:
                look.follow(lambda: replace(wish, most=size().lines), lambda seen: show(fitting(seen)))
        else:
            look.follow(lambda: wish, lambda seen: click.echo("\n".join(table(seen))), is_once=True)
            look.tell_missing(wish)


def fitting(seen: Document) -> list[str]:
    """Return what was seen as the lines that the terminal has."""
    columns, lines = size()
    return table(seen, width=columns, height=lines)


def _entities_in(seen: Document) -> list[Document]:
    """Return the entities of all rooms."""
    return [
        entity for room in cast("list[Document]", seen["rooms"]) for entity in cast("list[Document]", room["entities"])
    ]


class Look:
    """What is seen of a server, again and again until somebody has had enough."""

    def __init__(self, inspector: Inspector, stopped: Callable[[], bool]) -> None:
        """Begin with an inspector whose client is connected."""
        assert isinstance(inspector.client, RunningClient)
        self._client = inspector.client
        self._inspector = inspector
        self._stopped = stopped
        self._shown_at = size()

    def follow(self, wish: Callable[[], Wish], show: Callable[[Document], None], *, is_once: bool = False) -> None:
        """Ask, show, wait, until it is stopped; sooner again when the terminal has another size.

        Raises:
            EcsnetError: The connection ended, or there is nothing to show.
        """
        while (seen := self._fetch(wish())) is not None:
            show(seen)
            if is_once:
                return
            self._shown_at = size()
            self._wait(lambda: False, PAUSE_SECONDS)
            self._wait(lambda: size() != self._shown_at, REFRESH_SECONDS - PAUSE_SECONDS)

    def tell_missing(self, wish: Wish) -> None:
        """Say that there is no such entity or component, and some that there are, if the last answer has none."""
        seen = self._inspector.answer
        if not wish.narrows or seen is None or _entities_in(seen) or self._stopped():
            return
        self._wait(lambda: False, PAUSE_SECONDS)
        everything = self._fetch(Wish(wish.room, most=MAX_LOOKED_AT))
        there = [] if everything is None else _entities_in(everything)
        names = {name for entity in there for name in cast("Document", entity["components"])}
        if wish.component and wish.component not in names:
            click.echo(none_of(f"component {wish.component}", sorted(names)), err=True)
        elif wish.entity:
            having = f" with {wish.component}" * bool(wish.component)
            click.echo(none_of(f"entity {wish.entity}{having}", [entity["entity"] for entity in there]), err=True)

    def _fetch(self, wish: Wish) -> Document | None:
        """Return what there is to see; None when it is stopped."""
        inspector = self._inspector
        inspector.ask(wish)
        while inspector.answer is None and not self._stopped():
            if not self._wait(inspector.take, PATIENCE_SECONDS):
                raise EcsnetError(f"the server said nothing for {PATIENCE_SECONDS:g} s")
        if inspector.answer is not None and not inspector.answer["rooms"]:
            raise EcsnetError(f"there is no room {wish.room} here; without --room all are shown")
        return inspector.answer

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, or it is stopped; return whether that was in time.

        Raises:
            EcsnetError: The connection ended.
        """
        client = self._client
        was_in_time = client.run_until(
            lambda: condition() or self._stopped() or client.disconnected is not None, within_seconds=seconds
        )
        if client.disconnected is not None:
            reason, text = client.disconnected
            raise EcsnetError(text or reason.text)
        return was_in_time


def connect(link_text: str, key_file: Path | None, transport: str | None) -> RunningClient:
    """Return a client that the server shows itself to.

    Raises:
        EcsnetError: It does not; the text says what to do.
    """
    path = key_file or keys.default_identity_path()
    if not path.exists():
        raise KeyFileError(
            f"there is no key file {path}: name the server's, by which it knows who may look, with --key"
        )
    identity, link = keys.load_identity(path), JoinLink.parse(link_text)
    if link.keys and not set(link.keys) & set(identity.public_keys):
        raise EcsnetError(
            f"{path} holds {identity.fingerprint}, which is not the key in the link: name its file by --key"
        )
    link = replace(link, keys=identity.public_keys)
    for way in dict.fromkeys((nearby(link, udp.local_addresses()), link)):
        for key in inspector_keys(identity):  # a server that runs since before a rotation knows the former one alone
            client = knock(way, key, transport)
            if client.disconnected is None:
                return client
            client.leave()
            reason, text = client.disconnected
            if reason is not DisconnectReason.WRONG_GAME:
                break
        if reason not in _NOBODY_THERE:
            break
    raise EcsnetError((text or reason.text) + _HINTS.get(reason, ""))


def nearby(link: JoinLink, own_addresses: Sequence[str]) -> JoinLink:
    """Return the way to a server on this machine over the loopback, by which it knows that this is its own.

    A link that names another machine stays as it is, and so does one by a name. Nor can the loopback be meant by a link
    to a server that listens on that address alone (`--host`): nobody answers there, and then the link itself counts.
    """
    if link.host not in own_addresses:
        return link
    return replace(link, host="::1" if ":" in link.host else "127.0.0.1")


def knock(link: JoinLink, key: Identity, transport: str | None) -> RunningClient:
    """Return a client that the server has let in or turned away."""
    route = find_route(link, transport=transport)
    client = RunningClient(
        INSPECTION, route.address, route.path, pins=route.pins, player_key=key, pipeline=LIGHT_CLIENT,
        config=ClientConfig(retry_seconds=0.0),
    )  # fmt: skip
    client.run_until(lambda: client.client_id > 0 or client.disconnected is not None, within_seconds=PATIENCE_SECONDS)
    return client
