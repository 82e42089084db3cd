"""Referee: the phases of a match, its goals and its end. Runs on the server; who plays, and when, is Lobby's."""

from ecsnet import EVERYONE, System, World
from ecsnet.components import LateJoin, LobbyRules, LobbyStage, RoomInfo, Stage, Transform2D
from ecsnet.samples.soccer import pitch
from ecsnet.samples.soccer.components import Ball, Match, MatchRules, Tally
from ecsnet.samples.soccer.happenings import GoalScored, MatchWon
from ecsnet.samples.soccer.phases import TRANSITIONS, Happening, is_over, is_time_up, played_ticks
from ecsnet.samples.soccer.pitch import BALL_RADIUS, FORFEIT_SECONDS, LEFT, PHASE_SECONDS, RIGHT, Phase, Team
from ecsnet.samples.soccer.spawn import place_ball, place_players
from ecsnet.systems import finish, seat_waiting, stage_begun, stage_now
from ecsnet.systems.lobby import team_sizes
from ecsnet.wire import Tick, advance_tick

__all__ = ["Referee", "TimedReferee"]


class Referee(System):
    """Move the match on, by the clock, the ball and the players who are there.

    It runs before anything moves: what it decides holds for the whole tick, and a goal counts in the tick after the
    ball crossed the line.
    """

    clock_seconds = 0  # first to five, however long it takes

    def process(self, world: World) -> None:
        """Prepare the match when the countdown begins, lead it while it is on, leave the ball to play with after it."""
        if world.try_single(Match) is None:
            set_up(world, self.clock_seconds)
        match, begun = world.single(Match), stage_begun(world)
        if begun is Stage.COUNTDOWN:
            prepare(world, match)
        elif begun is Stage.WAITING:
            stop(world, match)
            place_ball(world)
        if stage_now(world) is Stage.RUNNING:
            lead(world, match)
        elif stage_now(world) is Stage.WAITING and scoring_team(world) != Team.SPECTATOR:
            place_ball(world)  # a kickabout has no score
        room = world.try_single(RoomInfo)  # on a server with several rooms: for their list
        if room is not None:
            room.status = f"{match.home} : {match.away}" if stage_now(world) is Stage.RUNNING else "waiting"


class TimedReferee(Referee):
    """The same with a clock: who is ahead when it has run down has won; if nobody is, the next goal wins."""

    clock_seconds = 180


def set_up(world: World, clock_seconds: int) -> None:
    """Make the match, its rules, the lobby's, and the ball."""
    lobby = LobbyRules(seats_per_team=pitch.SEATS_PER_TEAM, late=LateJoin.BREAK)
    world.create_entity(Match(), MatchRules(clock_seconds=clock_seconds), lobby)
    world.create_entity(Ball(), Transform2D(x=pitch.MIDDLE_X, y=pitch.MIDDLE_Y))


def prepare(world: World, match: Match) -> None:
    """Forget the last match; the kickoff begins when the countdown ends, as every client knows from now on."""
    match.home = match.away = match.played_ticks = match.empty_ticks = 0
    match.kicking_team = match.scoring_team = match.winner = Team.SPECTATOR
    match.scorer, match.own_goal = 0, False
    for _, tally in world.get_component(Tally):
        tally.goals = tally.own_goals = 0
    enter(world, match, Phase.KICKOFF, world.single(LobbyStage).ends_tick)


def lead(world: World, match: Match) -> None:
    """End the match if it is decided, else go on to the phase that follows from what happened."""
    sizes = team_sizes(world)
    match.empty_ticks = 0 if sizes[Team.HOME] and sizes[Team.AWAY] else match.empty_ticks + 1
    winner = winner_of(world, match)
    if winner is not Team.SPECTATOR:
        stop(world, match)
        match.winner = winner
        world.to(EVERYONE).send(MatchWon(winner, match.home, match.away))
        finish(world)
        return
    following = TRANSITIONS[match.phase]
    if Happening.GOAL in following and scoring_team(world) != Team.SPECTATOR:
        enter(world, match, following[Happening.GOAL], world.tick)
    elif is_time_up(match, world.tick):
        enter(world, match, following[Happening.TIME_UP], world.tick)


def winner_of(world: World, match: Match) -> Team:
    """Return who has won, by goals or because the others are gone; SPECTATOR: nobody yet."""
    if match.empty_ticks >= FORFEIT_SECONDS * world.tick_rate_hz:
        return Team.HOME if team_sizes(world)[Team.HOME] else Team.AWAY
    has_cheered = match.phase is Phase.PLAY or (match.phase is Phase.GOAL and is_time_up(match, world.tick))
    if not has_cheered or not is_over(world, match):
        return Team.SPECTATOR
    return Team.HOME if match.home > match.away else Team.AWAY


def scoring_team(world: World) -> Team:
    """Return whose goal it is when the whole ball is over a goal line; SPECTATOR while it is not."""
    for _, (transform, _) in world.get_components(Transform2D, Ball):
        if transform.x + BALL_RADIUS < LEFT:
            return Team.AWAY
        if transform.x - BALL_RADIUS > RIGHT:
            return Team.HOME
    return Team.SPECTATOR


def enter(world: World, match: Match, phase: Phase, tick: Tick) -> None:
    """Let a phase begin at a tick: set its clock and do what it begins with."""
    match.played_ticks = played_ticks(world, match)
    match.phase, match.phase_started_tick = phase, tick
    match.phase_ends_tick = advance_tick(tick, round(PHASE_SECONDS.get(phase, 0.0) * world.tick_rate_hz))
    if phase is Phase.KICKOFF:
        place_players(world)
        place_ball(world)
        seat_waiting(world)
    elif phase is Phase.GOAL:
        count_goal(world, match)


def stop(world: World, match: Match) -> None:
    """Stop the clock; what comes next, if anything, is a kickoff."""
    match.played_ticks = played_ticks(world, match)
    match.phase = Phase.KICKOFF


def count_goal(world: World, match: Match) -> None:
    """Count the goal for the side that did not concede it, whoever shot."""
    ball, team = world.single(Ball), scoring_team(world)
    match.home += team == Team.HOME
    match.away += team == Team.AWAY
    match.scoring_team = team
    match.own_goal = ball.touched_team == team.opponent
    match.scorer = ball.touched_by if world.entity_exists(ball.touched_by) else 0
    match.kicking_team = team.opponent
    tally = world.try_component(match.scorer, Tally)
    if tally is not None:
        tally.goals += not match.own_goal
        tally.own_goals += match.own_goal
    world.to(EVERYONE).send(GoalScored(team, match.scorer, match.own_goal, world.tick))
