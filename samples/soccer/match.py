"""Referee: the phases of a match, its goals and its end. Runs on the server."""

from collections.abc import Iterator

from ecsnet import System, World
from ecsnet.components import Player, Seat, Transform2D
from ecsnet.samples.soccer.components import Ball, Match
from ecsnet.samples.soccer.phases import TRANSITIONS, Happening, is_decided, played_ticks_at, time_up
from ecsnet.samples.soccer.pitch import BALL_RADIUS, FORFEIT_SECONDS, LEFT, PHASE_SECONDS, RIGHT, Phase, Team
from ecsnet.samples.soccer.spawn import place_ball, place_players
from ecsnet.systems.lobby import LobbyRules, everybody_ready, team_sizes
from ecsnet.wire import advance_tick

__all__ = ["Referee"]


class Referee(System):
    """Move the match on, by the clock, the ball and the players who are there.

    It runs before anything moves: what it decides holds for the whole tick, and a goal counts in the tick after the
    ball crossed the line.
    """

    def process(self, world: World) -> None:
        """Apply whatever happened, in order of weight, until one of it moves the match on."""
        match = world.single(Match)
        for happening in happenings(world, match):
            following = TRANSITIONS[match.phase].get(happening)
            if following is not None:
                enter(world, match, following)
                break
        if match.phase is Phase.LOBBY and scoring_team(world) != Team.SPECTATOR:
            place_ball(world)  # a kickabout has no score
        rules = world.single(LobbyRules)
        rules.open = match.phase in {Phase.LOBBY, Phase.COUNTDOWN}
        rules.seating = match.phase in {Phase.LOBBY, Phase.KICKOFF}  # who comes later waits for the next kickoff


def happenings(world: World, match: Match) -> Iterator[Happening]:
    """Yield what happened since the last tick; most of it means something in one phase only."""
    sizes = team_sizes(world)
    match.empty_ticks = 0 if sizes[Team.HOME] and sizes[Team.AWAY] else match.empty_ticks + 1
    if not sizes[Team.HOME] and not sizes[Team.AWAY]:
        yield Happening.DESERTED
    if match.empty_ticks >= FORFEIT_SECONDS * world.tick_rate_hz:
        yield Happening.FORFEIT
    somebody_left = any(seat.team != Team.SPECTATOR for _, seat in world.removed(Seat))
    yield Happening.ALL_READY if everybody_ready(world) and not somebody_left else Happening.NOT_READY
    if scoring_team(world) != Team.SPECTATOR:
        yield Happening.GOAL
    end = time_up(match, world.tick)
    if end is not None:
        yield end


def scoring_team(world: World) -> Team:
    """Return whose goal it is when the whole ball is over a goal line; SPECTATOR while it is not."""
    for _, (transform, _) in world.get_components(Transform2D, Ball):
        if transform.x + BALL_RADIUS < LEFT:
            return Team.AWAY
        if transform.x - BALL_RADIUS > RIGHT:
            return Team.HOME
    return Team.SPECTATOR


def enter(world: World, match: Match, phase: Phase) -> None:
    """Begin a phase: set its clock and do what it begins with."""
    match.played_ticks = played_ticks_at(match, world.tick)
    match.phase = phase
    match.phase_started_tick = world.tick
    match.phase_ends_tick = advance_tick(world.tick, round(PHASE_SECONDS.get(phase, 0.0) * world.tick_rate_hz))
    begin = BEGINNINGS.get(phase)
    if begin is not None:
        begin(world, match)


def begin_countdown(world: World, match: Match) -> None:
    """Forget the last match; everybody to their places."""
    match.home = match.away = match.played_ticks = 0
    match.kicking_team = match.scoring_team = match.winner = Team.SPECTATOR
    match.scorer, match.own_goal = 0, False
    begin_kickoff(world, match)


def begin_kickoff(world: World, match: Match) -> None:  # noqa: ARG001  # the beginnings of all phases are called alike
    """Everybody and the ball to their places."""
    place_players(world)
    place_ball(world)


def begin_goal(world: World, match: Match) -> None:
    """Count the goal for the side that did not concede it, whoever shot."""
    ball, team = world.single(Ball), scoring_team(world)
    match.home += team == Team.HOME
    match.away += team == Team.AWAY
    match.scoring_team = team
    match.own_goal = ball.touched_team == team.opponent
    match.scorer = ball.touched_by if world.entity_exists(ball.touched_by) else 0
    match.kicking_team = team.opponent


def begin_finished(world: World, match: Match) -> None:
    """Name the winner, by goals or because the others are gone; all must get ready again for another match."""
    if is_decided(match):
        match.winner = Team.HOME if match.home > match.away else Team.AWAY
    else:
        match.winner = Team.HOME if team_sizes(world)[Team.HOME] else Team.AWAY
    for _, (_, seat) in world.get_components(Player, Seat):
        seat.ready = False


def begin_lobby(world: World, match: Match) -> None:  # noqa: ARG001  # the beginnings of all phases are called alike
    """Put the ball back for a kickabout."""
    place_ball(world)


BEGINNINGS = {
    Phase.LOBBY: begin_lobby,
    Phase.COUNTDOWN: begin_countdown,
    Phase.KICKOFF: begin_kickoff,
    Phase.GOAL: begin_goal,
    Phase.FINISHED: begin_finished,
}
