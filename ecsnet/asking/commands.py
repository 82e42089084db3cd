"""The commands `ecsnet data`: questions to a store. Arguments only: the answers are made in `ecsnet.storage`."""

import json
from collections.abc import Iterable, Iterator
from functools import partial

import click

from ecsnet.asking import nothing, rows
from ecsnet.asking.heatcommand import heatmap
from ecsnet.asking.options import MOMENT, match_argument, output_options, store_option
from ecsnet.asking.output import Output
from ecsnet.clock import unix_time
from ecsnet.quoting import counted, printable
from ecsnet.storage.jumps import jumps
from ecsnet.storage.moments import Moment
from ecsnet.storage.people import Told, before_leaving, told
from ecsnet.storage.playerrecord import Identity, export, identify, saves_of, stays
from ecsnet.storage.questions import figures_of, find_match, narrowed, snapshot_at, snapshot_of_tick
from ecsnet.storage.retention import MAX_REMOVED, outlook, prune
from ecsnet.storage.store import WORLD_OWNER, Match, Snapshot, Store
from ecsnet.tables import Form, shown

__all__ = ["data_commands"]

MEGABYTE = 1_000_000


@click.group("data")
def data_commands() -> None:
    """Ask what a server has kept: matches, events, snapshots, players.

    A MATCH is named by its id, by a beginning of it that no other has, or as `last`, which is what is meant if none is
    named.
    """


@data_commands.command()
@click.option("--game", default="", show_default=False, help="Of this game alone.")
@store_option
@output_options
def matches(*, game: str, store: Store, output: Output) -> None:
    """List the matches, oldest first, with how much is kept of each."""
    found = output.progress.over(store.matches(game), "matches")
    output.rows((rows.figures_row(figures_of(store, match)) for match in found), rows.MATCHES)


@data_commands.command()
@match_argument
@click.option("--kind", "kinds", multiple=True, help="Of this kind, such as left; may be given again.")
@click.option("--player", metavar="NAME", help="About this player: a name, or an owner such as account/anna.")
@click.option("--since", type=MOMENT, help="Not before: 1:30 of the match, or a date.")
@click.option("--until", type=MOMENT, help="Not after.")
@click.option("--before-leaving", "leaver", metavar="NAME", help="Only what came before this player left or was lost.")
@click.option("--seconds", type=click.FloatRange(min=0), default=30.0, help="With --before-leaving: how long before.")
@store_option
@output_options
def events(
    match_text: str,
    *,
    kinds: tuple[str, ...],
    player: str | None,
    since: Moment | None,
    until: Moment | None,
    leaver: str | None,
    seconds: float,
    store: Store,
    output: Output,
) -> None:
    """List what happened in a MATCH."""
    match = find_match(store, match_text)
    asked = told(
        store,
        match,
        kinds=() if leaver else kinds,  # what comes before leaving includes the leaving
        since=0.0 if since is None else since.within(match),
        until=None if until is None else until.within(match),
    )
    found: Iterable[Told] = output.progress.over(asked, "events")
    if leaver is not None:
        found = (one for one in before_leaving(found, {leaver}, seconds) if not kinds or one.event.kind in kinds)
    if player is not None:
        found = (one for one in found if one.is_about({player}))
    count = output.rows((rows.event_row(match, one) for one in found), rows.EVENTS)
    if not count:
        nothing.of_events(store, match, kinds=kinds, player=player, since=since)
    if leaver is not None and not count:
        click.echo(
            f"nobody called {leaver!r} left {match.id}: see `ecsnet data events --kind left --kind lost`", err=True
        )


@data_commands.command()
@match_argument
@click.option("--at", "moment", type=MOMENT, help="The newest at that time: 5:30 of the match, or a date.")
@click.option("--tick", type=click.IntRange(0, 0xFFFFFFFF), help="The newest at that tick.")
@click.option("--last", is_flag=True, help="The newest of all, as without any of these.")
@click.option("--list", "as_list", is_flag=True, help="List which there are.")
@click.option("--entity", type=int, help="This entity alone.")
@click.option("--component", default="", show_default=False, help="This component alone, of those who have it.")
@click.option("--player", metavar="NAME", help="Entities of this player: a name, or an owner such as account/anna.")
@store_option
@output_options
def snapshot(
    match_text: str,
    *,
    moment: Moment | None,
    tick: int | None,
    last: bool,
    as_list: bool,
    entity: int | None,
    component: str,
    player: str | None,
    store: Store,
    output: Output,
) -> None:
    """Show how the World of a MATCH stood, as it was kept every so often."""
    if (moment is not None) + (tick is not None) + last + as_list > 1:
        raise click.UsageError("--at, --tick, --last and --list: one of them")
    match = find_match(store, match_text)
    if as_list:
        found = output.progress.over(store.snapshots(match.id), "snapshots")
        output.rows((rows.snapshot_row(match, one) for one in found), rows.SNAPSHOTS)
        return
    if tick is not None:
        stood = snapshot_of_tick(store, match, tick)
    else:
        stood = snapshot_at(store, match, None if moment is None else moment.within(match))
    if output.is_table:
        tell_snapshot(match, stood, output)
    entities = narrowed(stood, entity=entity, having=component, names=() if player is None else {player})
    if not output.rows(rows.entity_rows(stood, entities, component), rows.ENTITIES):
        nothing.of_snapshot(stood, entity=entity, component=component, player=player)


def tell_snapshot(match: Match, stood: Snapshot, output: Output) -> None:
    """Print what a snapshot is of."""
    row = rows.snapshot_row(match, stood)
    moment = ", ".join(f"{name} {shown(row[name])}" for name in ("at", "tick", "time"))
    players = shown(row["players"]) or "none"
    entities = counted(stood.count, "entity", "entities")
    output.lines([f"{printable(match.id)} {moment}", f"{entities}, players: {players}", ""])


@data_commands.command()
@click.argument("name", metavar="NAME|OWNER")
@click.option("--forget", is_flag=True, help="Delete what is kept of this player.")
@click.option("--yes", is_flag=True, help="With --forget: do not ask whether it is meant.")
@click.option("--export", "as_export", is_flag=True, help="All that is kept of this player, as lines of JSON.")
@store_option
@output_options
def player(name: str, *, forget: bool, yes: bool, as_export: bool, store: Store, output: Output) -> None:
    """Tell what is kept of a player: saves, and when it was in which match.

    NAME is what others saw. An OWNER, such as account/anna, is what was proved; guests have none, so whoever used the
    name is meant. To --forget takes a player who is not there: a server writes on what it has at hand. Recordings and
    log files are not in the store.
    """
    if forget and as_export:
        raise click.UsageError("--forget and --export: one after the other")
    identity = identify(store, name)
    if as_export:
        documents = output.progress.over(export(store, identity), "documents")
        output.lines(json.dumps(document) for document in documents)
    elif forget:
        if not yes:
            click.confirm(f"Delete what is kept of {printable(str(identity))}, for ever?", abort=True, err=True)
        gone = store.forget(identity.owner, identity.names)
        saves, events = counted(gone.saves, "save", "saves"), counted(gone.events, "event", "events")
        places = counted(gone.changed, "place", "places")
        click.echo(f"deleted {saves} and {events}, struck out the names in {places}")
    else:
        tell_player(store, identity, output)


def tell_player(store: Store, identity: Identity, output: Output) -> None:
    """Print a player's record: a line and two tables for people, the times in matches as CSV, all of it as JSON."""
    found = list(output.progress.over(stays(store, identity), "stays"))
    times = list(map(rows.stay_row, found))
    saves = list(map(rows.save_row, saves_of(store, identity)))
    summary = rows.player_row(found)
    if output.form is Form.JSON:
        record = rows.record_row(identity, summary, times, saves)
        output.rows([record], rows.Columns(tuple(record), ()))
        return
    if output.is_table:
        line = ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in summary.items())
        output.lines([f"{printable(str(identity))}: {line}", ""])
    output.rows(times, rows.STAYS)
    if output.is_table and saves:
        output.lines([""])
        output.rows(saves, rows.SAVES)


@data_commands.command("world")
@click.option("--game", default="", show_default=False, help="Of this game alone.")
@store_option
@output_options
def world_command(*, game: str, store: Store, output: Output) -> None:
    """List what is kept of the world for good, whoever plays in it."""
    found = output.progress.over(store.saves(game, WORLD_OWNER), "saves")
    output.rows(map(rows.save_row, found), rows.SAVES)


@data_commands.command("jumps")
@match_argument
@click.option(
    "--field", "fields", multiple=True, required=True, metavar="NAME", help="Transform2D.x; may be given again."
)
@click.option("--per-second", type=click.FloatRange(min=0), required=True, help="How fast it may change.")
@store_option
@output_options
def jumps_command(match_text: str, *, fields: tuple[str, ...], per_second: float, store: Store, output: Output) -> None:
    """List the values of a MATCH that changed impossibly fast from one snapshot to the next.

    The farther snapshots are apart, the more is possible in between.
    """
    match = find_match(store, match_text)
    snapshots = output.progress.over(store.snapshots(match.id), "snapshots")
    found = jumps(snapshots, fields, per_second, tick_rate_hz=match.tick_rate_hz)
    output.rows((rows.jump_row(match, jump) for jump in found), rows.JUMPS)


@data_commands.command("prune")
@click.option("--keep-days", type=click.FloatRange(min=0), help="Delete matches that ended earlier.")
@click.option("--keep-megabytes", type=click.FloatRange(min=0), help="Delete the oldest until no more is left.")
@click.option("--dry-run", is_flag=True, help="Only list what would go; for a size, as is estimated.")
@store_option
@output_options
def prune_command(
    *, keep_days: float | None, keep_megabytes: float | None, dry_run: bool, store: Store, output: Output
) -> None:
    """Delete old matches with their events and snapshots.

    One that is on stays, also after its result, as long as a server may go on from it; and so do saves.
    """
    if keep_days is None and keep_megabytes is None:
        raise click.UsageError("say what to keep: --keep-days, --keep-megabytes, or both")
    max_bytes = None if keep_megabytes is None else round(keep_megabytes * MEGABYTE)
    go = outlook if dry_run else pruned
    gone = output.progress.over(go(store, keep_days=keep_days, max_bytes=max_bytes, now=unix_time()), "matches")
    count = output.rows(map(rows.match_row, gone), rows.REMOVED)
    told = counted(count, "match", "matches")
    verb = "would be" if dry_run else "was" if count == 1 else "were"
    click.echo(f"{told} {verb} deleted; the store takes {store.size_bytes() / MEGABYTE:.1f} MB", err=True)


def pruned(store: Store, *, keep_days: float | None, max_bytes: int | None, now: float) -> Iterator[Match]:
    """Delete until there is nothing more to delete."""
    some = partial(prune, store, keep_days=keep_days, max_bytes=max_bytes, now=now)
    gone = some()
    while gone:
        yield from gone
        gone = some() if len(gone) == MAX_REMOVED else []


data_commands.add_command(heatmap)
