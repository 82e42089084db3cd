"""Nothing: why an answer is empty, where a name that was asked for does not exist; on standard error."""

from collections.abc import Sequence

import click

from ecsnet.quoting import none_of
from ecsnet.storage.documents import mapping_in, number_in
from ecsnet.storage.moments import Moment
from ecsnet.storage.people import SESSION_KINDS, told
from ecsnet.storage.questions import Standing, last_known
from ecsnet.storage.store import Match, Reading, Snapshot
from ecsnet.tables import clock_text

__all__ = ["of_events", "of_snapshot"]


def of_events(
    store: Reading, match: Match, *, kinds: Sequence[str] = (), player: str | None = None, since: Moment | None = None
) -> None:
    """Say which kind or player there is none of in a match, or that it was over before."""
    happened = {event.kind: None for event in store.events(match.id)}
    for kind in kinds:
        if kind not in happened:
            click.echo(none_of(f"event of the kind {kind} in {match.id}", sorted(happened)), err=True)
    if player is not None:
        people = [person for one in told(store, match, kinds=SESSION_KINDS) for person in one.people]
        if not any(person.is_called({player}) for person in people):
            click.echo(none_of(f"player {player} in {match.id}", people), err=True)
    if since is not None:
        after_the_end(store, match, since)


def after_the_end(store: Reading, match: Match, since: Moment) -> None:
    """Say that a match was not so long: what looks like a time of day is meant as one of the match."""
    lasted = (last_known(store, match) if match.ended is None else match.ended) - match.started
    if since.of_match and since.seconds > lasted:
        click.echo(
            f"{match.id} lasted {clock_text(lasted)}, and {clock_text(since.seconds)} is a time of the match: "
            "a time of day is written as date and time, such as 2026-11-30T18:53",
            err=True,
        )


def of_snapshot(stood: Snapshot, *, entity: int | None = None, component: str = "", player: str | None = None) -> None:
    """Say which entity, component or player a snapshot has none of; what was read has its entities still."""
    entities, standing = list(stood.entities), Standing(stood.players)
    numbers = [number_in(one, "entity") for one in entities]
    if entity is not None and entity not in numbers:
        click.echo(none_of(f"entity {entity}", numbers), err=True)
    components = sorted({name for one in entities for name in mapping_in(one, "components")})
    if component and component not in components:
        click.echo(none_of(f"component {component}", components), err=True)
    people = [person for person in map(standing.of, entities) if str(person)]
    if player is not None and not any(person.is_called({player}) for person in people):
        click.echo(none_of(f"entity of {player}", people), err=True)
