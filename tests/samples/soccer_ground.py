"""A ground to test soccer on: the game's systems on one World, as the server runs them, without a server."""

import hashlib

from ecsnet import EVERYONE, Game, World
from ecsnet.components import LobbyStage, Owner, Player, Seat, Stage, Transform2D, Velocity2D
from ecsnet.samples.soccer.components import Ball, Footballer, Match, Move
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.targets import NoMail, Target


class Listener(NoMail):
    """Hears what everybody is told."""

    def __init__(self, told: list[object]) -> None:
        """Write it down there."""
        self._told = told

    def send(self, target: Target, event: object, /) -> None:
        """Hear one event."""
        assert target == EVERYONE
        self._told.append(event)


class Ground:
    """One World with soccer's systems; players are made as the server makes them.

    Attributes:
        told: The events everybody was told.
    """

    def __init__(self, *, home: int = 0, away: int = 0, seed: int = 0, of: Game = game) -> None:
        """Open the ground and let players in, HOME and AWAY in turns."""
        self.world = World(tick_rate_hz=game.tick_rate_hz, seed=seed)
        self.told: list[object] = []
        self.world.mail = Listener(self.told)
        self.sides: dict[Team, list[int]] = {Team.HOME: [], Team.AWAY: []}
        for system in of.systems:
            self.world.add_system(system())
        self.run(ticks=1)
        for number in range(max(home, away)):
            if number < home:
                self.sides[Team.HOME].append(self.add_player(Team.HOME))
            if number < away:
                self.sides[Team.AWAY].append(self.add_player(Team.AWAY))
        self.run(ticks=2)

    def add_player(self, team: Team | None = None) -> int:
        """Connect a player; on a team, or wherever the lobby puts him."""
        client_id = len(self.world.get_component(Player)) + 1
        parts = [Player(client_id=client_id, name=f"player-{client_id}"), Owner(client_id), Move()]
        if team is not None:
            parts.append(Seat(team=team))
        return self.world.create_entity(*parts)

    @property
    def home(self) -> int:
        """The first player of HOME."""
        return self.sides[Team.HOME][0]

    @property
    def away(self) -> int:
        """The first player of AWAY."""
        return self.sides[Team.AWAY][0]

    @property
    def match(self) -> Match:
        """The match."""
        return self.world.single(Match)

    def phase(self) -> Phase | None:
        """Where the match stands, if one is on; a call, since it changes behind a type checker's back."""
        return self.match.phase if self.stage() is Stage.RUNNING else None

    def stage(self) -> Stage:
        """Where the lobby stands."""
        return self.world.single(LobbyStage).stage

    @property
    def ball(self) -> Ball:
        """The ball."""
        return self.world.single(Ball)

    @property
    def ball_place(self) -> Transform2D:
        """Where the ball is."""
        return self.world.get_components(Transform2D, Ball)[0][1][0]

    def place(self, entity: int) -> Transform2D:
        """Where a player is."""
        return self.world.component_for_entity(entity, Transform2D)

    def velocity(self, entity: int) -> Velocity2D:
        """How a player moves."""
        return self.world.component_for_entity(entity, Velocity2D)

    def footballer(self, entity: int) -> Footballer:
        """How a player stands."""
        return self.world.component_for_entity(entity, Footballer)

    def seat(self, entity: int) -> Seat:
        """Where a player belongs."""
        return self.world.component_for_entity(entity, Seat)

    def press(self, entity: int, move_x: int = 0, move_y: int = 0, *, kick: bool = False) -> None:
        """Hold keys down from now on."""
        move = self.world.component_for_entity(entity, Move)
        move.move_x, move.move_y, move.kick = move_x, move_y, kick

    def put(self, entity: int, x: float, y: float) -> None:
        """Put a player somewhere, standing."""
        place, velocity = self.place(entity), self.velocity(entity)
        place.x, place.y, velocity.x, velocity.y = x, y, 0.0, 0.0

    def put_ball(self, x: float, y: float, velocity_x: float = 0.0, velocity_y: float = 0.0) -> None:
        """Put the ball somewhere, rolling."""
        place, ball = self.ball_place, self.ball
        place.x, place.y, ball.velocity_x, ball.velocity_y = x, y, velocity_x, velocity_y

    def get_ready(self) -> None:
        """Everybody says so."""
        for _, seat in self.world.get_component(Seat):
            seat.ready = True

    def run(self, *, ticks: int = 0, seconds: float = 0.0) -> None:
        """Let time pass."""
        for _ in range(ticks + round(seconds * game.tick_rate_hz)):
            self.world.process()

    def run_until(self, wanted: Phase | Stage, *, within_seconds: float = 10.0) -> None:
        """Let time pass until a phase or a stage begins."""
        for _ in range(round(within_seconds * game.tick_rate_hz)):
            if wanted in {self.phase(), self.stage()}:
                return
            self.world.process()
        raise AssertionError(f"no {wanted} within {within_seconds} s: {self.match}")

    def score(self, team: Team) -> None:
        """Put the ball into the other side's goal, and wait until that is over."""
        self.run_until(Phase.PLAY)
        self.put_ball(*((740.0, 200.0, 600.0) if team is Team.HOME else (60.0, 200.0, -600.0)))
        self.run_until(Phase.GOAL)
        while self.phase() is Phase.GOAL:
            self.run(ticks=1)

    def kick_off(self) -> "Ground":
        """Get everybody ready and wait for the whistle; then put the players out of the way."""
        self.get_ready()
        self.run_until(Phase.PLAY)
        for side, x in ((Team.HOME, 300.0), (Team.AWAY, 500.0)):
            for number, entity in enumerate(self.sides[side]):
                self.put(entity, x, 30.0 + 40.0 * number)
        return self

    def hash(self) -> str:
        """Return a digest of every component of every entity."""
        parts = [(entity, self.world.components_for_entity(entity)) for entity in self.world.entities()]
        return hashlib.sha256(repr(parts).encode()).hexdigest()
