"""What a player reads: pure functions from what the client's World holds to styled lines."""

import re
from collections.abc import Iterator, Sequence
from math import atan2, ceil, hypot, pi
from typing import TypeAlias

from prompt_toolkit.utils import get_cwidth

from ecsnet import Client, World
from ecsnet.components import Player, PlayerStatus, Transform2D
from ecsnet.samples.knight.commands import COMMANDS, RULES
from ecsnet.samples.knight.components import Barbarian, Fallen, Gold, Health, Knight, Race, Stats
from ecsnet.samples.knight.recovery import seconds_down
from ecsnet.samples.knight.rules import Attack, Weapon, odds_of
from ecsnet.wire import tick_difference

__all__ = [
    "Line",
    "help_lines",
    "look_lines",
    "plain",
    "printable",
    "say",
    "status_line",
    "welcome_lines",
    "who_lines",
    "wrapped",
]

Line: TypeAlias = list[tuple[str, str]]  # (style, text); `live.py` says what the styles look like

HEALTHY_SHARE, HURT_SHARE = 0.6, 0.25  # above: shown in green; above: in yellow
BAR_CELLS = 10
SILENCE_SECONDS = 1.5  # servers tell the state many times a second, and the way there and back takes its time
INDENT, GAP = "  ", "  "
NAME_CELLS = 16  # of a name in the status line; in tables it is whole
WINDS = ("east", "south-east", "south", "south-west", "west", "north-west", "north", "north-east")  # y grows downward


def plain(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for _, text in line)


def say(style: str, mark: str, text: str) -> Line:
    """Return a line of what happened."""
    return [(f"class:{style}", f"{mark} {text}")]


def printable(line: Line) -> Line:
    """Return a line without what a terminal might obey: its words may be those of others."""
    return [(style, "".join(letter if letter.isprintable() else "?" for letter in text)) for style, text in line]


def wrapped(line: Line, columns: int) -> list[Line]:
    """Return a line as several that fit, broken between words; what goes on is indented."""
    lines: list[Line] = [[]]
    left = columns
    for style, text in line:
        for word in re.findall(r" *[^ ]+| +$", text):
            if get_cwidth(word) > left and lines[-1]:
                lines.append([(style, INDENT + word.lstrip())])
                left = columns - get_cwidth(plain(lines[-1]))
            else:
                lines[-1].append((style, word))
                left -= get_cwidth(word)
    return lines


# Tables.


def welcome_lines(client: Client) -> list[Line]:
    """Say who one is, what this is about and what to type."""
    race = client.world.try_single(Race)
    aim = "Beat them, and get rich." if race is None else f"The first knight with {race.goal} gold wins."
    return [
        [],
        [("class:title", "Knight"), ("", ", with "), ("class:you", _name(client)), ("", " in the saddle")],
        [],
        [("", f"Three barbarians camp around the village. {aim}")],
        [("", "Type "), ("class:typed", "attack slash"), ("", "; Enter alone does the same again. Tab completes.")],
        [("", "What there is besides, "), ("class:typed", "help"), ("", " tells.")],
        [],
    ]


def help_lines(client: Client) -> list[Line]:
    """List the commands, and what attacks come to with the weapon in one's hand."""
    knight = client.world.try_component(client.entity or 0, Knight)
    weapon = Weapon.SWORD if knight is None else knight.weapon
    odds = [(attack.value, odds_of(attack, weapon)) for attack in Attack]
    return [
        *_table([(command.usage, command.text) for command in COMMANDS], align="<<"),
        [],
        *_table(
            [
                (f"with your {weapon.value}", "to win", "gold", "health"),
                *((name, f"{each.win_percent} %", f"+{each.gold}", f"-{each.health}") for name, each in odds),
            ],
            align="<>>>",
            has_head=True,
        ),
        [],
        [("", " ".join(RULES.split()))],
    ]


def who_lines(client: Client) -> list[Line]:
    """List the knights, best first."""
    found = client.world.observe(Player, Health, Knight, Stats)
    rows = [
        (
            player.name + " (you)" * (entity == client.entity),
            _health(client.world, entity, health, player),
            knight.weapon.value,
            str(stats.kills),
            str(stats.falls),
        )
        for entity, (player, health, knight, stats) in sorted(found, key=lambda row: (-row[1][3].kills, row[0]))
    ]
    return _table([("knight", "health", "weapon", "kills", "falls"), *rows], align="<>>>>", has_head=True)


def look_lines(client: Client) -> list[Line]:
    """List the barbarians."""
    rows = [
        (barbarian.name, str(barbarian.level), _health(client.world, entity, health), _where(place))
        for entity, (barbarian, health, place) in client.world.observe(Barbarian, Health, Transform2D)
    ]
    return _table([("barbarian", "level", "health", "where"), *rows], align="<>><", has_head=True)


def _health(world: World, entity: int, health: Health, player: Player | None = None) -> str:
    if player is not None and player.status is PlayerStatus.LOST:
        return "lost"
    if world.has_component(entity, Fallen):
        return f"down {ceil(seconds_down(world, entity))} s"
    return f"{health.points}/{health.most}"


def _where(place: Transform2D) -> str:
    wind = WINDS[round(atan2(place.y, place.x) / (pi / 4)) % 8]
    return f"{hypot(place.x, place.y):.0f} paces to the {wind}"


def _table(rows: Sequence[Sequence[str]], *, align: str, has_head: bool = False) -> list[Line]:
    widths = [max(map(get_cwidth, column)) for column in zip(*rows, strict=True)]
    lines = []
    for number, row in enumerate(rows):
        cells = [_padded(*cell) for cell in zip(row, widths, align, strict=True)]
        lines.append([("class:head" if has_head and number == 0 else "", "  " + "  ".join(cells).rstrip())])
    return lines


def _padded(text: str, cells: int, side: str) -> str:
    space = " " * (cells - get_cwidth(text))
    return space + text if side == ">" else text + space


# The status line.


def status_line(client: Client, *, breath_seconds: float, columns: int) -> Line:
    """Return how it stands now, as much of it as fits: what matters most first to stay.

    Args:
        breath_seconds: Until one can attack again, as far as this client knows.
    """
    if client.retrying is not None:
        return [("class:warn", f"{GAP}connection lost; attempt {client.retrying.failed + 1} to come back")]
    if client.entity is None or not client.world.has_components(client.entity, Knight, Health, Gold):
        return [("class:warn", f"{GAP}joining {client.progress:.0%}")]
    parts = list(_status_parts(client, client.entity, breath_seconds))
    while sum(get_cwidth(plain(line)) + len(GAP) for _, line in parts) > columns and len(parts) > 1:
        parts.remove(max(parts, key=lambda part: part[0]))
    return [fragment for _, line in parts for fragment in (("", GAP), *line)]


def _status_parts(client: Client, entity: int, breath_seconds: float) -> Iterator[tuple[int, Line]]:
    """Yield (rank, part), in order of place; what has the highest rank is left out first."""
    world = client.world
    race = world.try_single(Race)
    goal = f"/{race.goal}" if race else ""
    camp = [barbarian for barbarian, _ in world.observe(Barbarian)]
    standing = sum(not world.has_component(barbarian, Fallen) for barbarian in camp)
    yield 5, [("class:you", _cut(_name(client), NAME_CELLS))]
    yield 0, _bar(world.component_for_entity(entity, Health))
    yield 2, [("class:label", "gold "), ("class:gold", f"{world.component_for_entity(entity, Gold).amount}{goal}")]
    yield 4, [("", world.component_for_entity(entity, Knight).weapon.value)]
    yield 1, _readiness(world, entity, race, breath_seconds)
    yield 3, [("class:label", "barbarians "), ("", f"{standing}/{len(camp)}")]
    yield _connection_part(client)


def _connection_part(client: Client) -> tuple[int, Line]:
    """Return how well the server is heard; that it is not matters more than all else."""
    silence_seconds = client.figures.ahead_ticks * client.world.dt
    if silence_seconds > SILENCE_SECONDS:
        return -1, [("class:warn", f"no answer for {silence_seconds:.0f} s")]
    return 6, [("class:label", f"{1000 * client.statistics.rtt_seconds:.0f} ms")]


def _bar(health: Health) -> Line:
    """Return the health as figures on a bar."""
    share = health.points / health.most
    style = "good" if share > HEALTHY_SHARE else "fair" if share > HURT_SHARE else "bad"
    text, filled = f"{health.points}/{health.most}".center(BAR_CELLS), ceil(share * BAR_CELLS)
    return [("class:label", "health "), (f"class:bar.{style}", text[:filled]), ("class:bar.empty", text[filled:])]


def _readiness(world: World, entity: int, race: Race | None, breath_seconds: float) -> Line:
    """Return whether one can attack, or why not."""
    if race is not None and race.winner:
        seconds = ceil(max(0, tick_difference(race.next_tick, world.tick)) * world.dt)
        return [("class:news", f"{_cut(race.winner, NAME_CELLS)} has won; next race in {seconds} s")]
    if world.has_component(entity, Fallen):
        return [("class:loss", f"down {ceil(seconds_down(world, entity))} s")]
    if breath_seconds > 0.0:
        return [("class:label", f"{breath_seconds:.1f} s")]
    return [("class:win", "ready")]


def _name(client: Client) -> str:
    player = client.world.try_component(client.entity or 0, Player)
    return client.name if player is None else player.name


def _cut(text: str, cells: int) -> str:
    """Return as much of a text as fits; letters may be two cells wide."""
    while get_cwidth(text) > cells:
        text = text[:-1]
    return text
