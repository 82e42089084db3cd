"""Drawing between two known states: the clock, the rests, the angles, the end."""

import math
import random
from itertools import pairwise

import pytest

from ecsnet.components import Teleports, Transform2D
from ecsnet.config import ClientConfig
from ecsnet.game import Game
from ecsnet.replication.schema import Schema
from ecsnet.systems.history import History
from ecsnet.systems.interpolation import EXTRAPOLATION_SECONDS, Interpolator, RenderClock
from ecsnet.systems.rendering import Renderer
from ecsnet.world import World

WRAP = 2**32
SCHEMA = Schema(Game("nothing"))
TRANSFORM = SCHEMA.records_of[Transform2D][0].id
TELEPORTS = SCHEMA.records_of[Teleports][0].id


def play(clock: RenderClock, ticks: list[int], jitter: float = 0.0) -> list[float]:
    """Let states arrive every 1/30 s, more or less, and draw 60 times a second."""
    chance = random.Random(1)
    arrivals = sorted((index / 30 + chance.uniform(0, jitter), tick) for index, tick in enumerate(ticks))
    drawn = []
    for frame in range(len(ticks) * 2):
        now = frame / 60
        while arrivals and arrivals[0][0] <= now:
            clock.observe(arrivals.pop(0)[1], now)
        drawn.append(clock.advance(now))
    return drawn


@pytest.mark.parametrize("start", [0, WRAP - 100])
@pytest.mark.parametrize("jitter", [0.0, 0.02])
def test_the_clock_runs_evenly_behind_what_arrives(start: int, jitter: float) -> None:
    """Never backward, never by jumps, never ahead of what is known: also across the tick's wrap."""
    drawn = play(RenderClock(60, 2), [(start + 2 * i) % WRAP for i in range(200)], jitter)
    steps = [b - a for a, b in pairwise(drawn[60:])]

    assert min(steps) > 0.8
    assert max(steps) < 1.2
    assert 398 - drawn[-1] > 2.0  # behind
    assert 398 - drawn[-1] < 15.0  # not far


def test_more_jitter_means_more_delay() -> None:
    """Smoothness is bought with delay, no more than needed."""
    steady, shaky = RenderClock(60, 2), RenderClock(60, 2)
    play(steady, list(range(0, 400, 2)))
    play(shaky, list(range(0, 400, 2)), jitter=0.05)

    assert shaky.delay_ticks > steady.delay_ticks + 2


@pytest.mark.parametrize("start", [0, WRAP - 100])
def test_what_is_drawn_trails_a_tick_by_what_the_clock_says(start: int) -> None:
    """Nothing was drawn before the first state."""
    clock = RenderClock(60, 2)
    before = clock.behind(start, clock.drawn)
    last = play(clock, [(start + 2 * i) % WRAP for i in range(100)])[-1]

    assert before == 0.0
    assert clock.behind((start + 210) % WRAP, clock.drawn) == 210 - last


def test_without_new_states_what_is_drawn_goes_no_further_than_anything_is_carried() -> None:
    """The clock runs on, the picture stands in the end, until the next frame: an input answers to the picture."""
    clock = RenderClock(60, 2)
    play(clock, list(range(0, 200, 2)))
    clock.advance(4.0)
    clock.observe(230, 4.0)

    assert clock.tick > 200
    assert clock.drawn == 198 + 60 * EXTRAPOLATION_SECONDS


def place(interpolator: Interpolator, tick: float, component: Transform2D) -> Transform2D:
    interpolator.clock.tick = tick
    return Renderer(World(), interpolator, History(1), ClientConfig()).render(1, component)


def fed(*samples: tuple[int, float, float]) -> Interpolator:
    """An interpolator that heard (tick, x, rotation) of entity 1."""
    interpolator = Interpolator(SCHEMA, 60, 2)
    for tick, x, rotation in samples:
        interpolator.feed([(1, TRANSFORM, tick, (x, 0.0, rotation))], tick, tick / 60)
    return interpolator


def test_between_two_states_lies_what_is_drawn() -> None:
    """Half the time, half the way; before the first it stands."""
    interpolator = fed((0, 10.0, 0.0), (2, 20.0, 0.0))

    assert [place(interpolator, tick, Transform2D()).x for tick in (-5, 0, 1, 2)] == [10, 10, 15, 20]


def test_beyond_the_newest_state_what_moved_goes_on_for_a_tenth_of_a_second() -> None:
    """A state that is late must not stop a runner; one that never comes must not carry him away."""
    interpolator = fed((0, 10.0, 0.0), (2, 20.0, 0.0))

    assert [place(interpolator, tick, Transform2D()).x for tick in (3, 4, 8, 9, 50)] == [25, 30, 50, 50, 50]


def test_what_newer_states_do_not_mention_rests() -> None:
    """Unchanged records do not travel: whoever stopped is drawn where it stopped, to the last bit."""
    interpolator = fed((0, 10.0, 0.0), (2, 20.0, 0.0))
    interpolator.feed([], 4, 4 / 60)

    assert [place(interpolator, tick, Transform2D()).x for tick in (3, 4, 50)] == [20, 20, 20]


def test_between_two_places_of_a_teleport_there_is_no_way() -> None:
    """Whoever was put elsewhere is there or here, never between, and is not thrown on by it."""
    interpolator = fed((0, 10.0, 0.0), (2, 20.0, 0.0))
    interpolator.feed([(1, TRANSFORM, 4, (500.0, 0.0, 0.0)), (1, TELEPORTS, 4, (1,))], 4, 4 / 60)

    assert [place(interpolator, tick, Transform2D()).x for tick in (2, 3.9, 4, 6)] == [20, 20, 500, 500]


def test_a_rest_is_a_rest_and_no_slow_drift() -> None:
    """What does not change does not travel: after a second of rest it moves at the end of it, not all along."""
    interpolator = fed((0, 10.0, 0.0), (60, 20.0, 0.0))

    assert place(interpolator, 30, Transform2D()).x == 10
    assert place(interpolator, 59, Transform2D()).x == 15


def test_angles_turn_the_short_way() -> None:
    """From just below pi to just above minus pi is a small step, not a full turn."""
    interpolator = fed((0, 0.0, math.pi - 0.1), (2, 0.0, -math.pi + 0.1))

    assert abs(place(interpolator, 1, Transform2D()).rotation) == pytest.approx(math.pi)


def test_drawing_changes_nothing() -> None:
    """Render values live beside the components, and are forgotten with the entity."""
    interpolator = fed((0, 10.0, 0.0), (2, 20.0, 0.0))
    component = Transform2D(x=99.0)

    assert place(interpolator, 1, component) is not component
    assert component.x == 99.0
    interpolator.forget(1)
    assert place(interpolator, 1, component) is component


@pytest.mark.parametrize("start", [0, WRAP - 12])
def test_a_jump_is_made_when_its_place_is_known(start: int) -> None:
    """Its word came first, the place was lost: what is drawn stands until then, and goes there without a way."""
    interpolator = Interpolator(SCHEMA, 60, 2)
    interpolator.feed([(1, TELEPORTS, start, (0,)), (1, TRANSFORM, start, (0.0, 0.0, 0.0))], start, now=0.0)
    told = (start + 10) % WRAP
    interpolator.feed([(1, TELEPORTS, told, (1,))], told, now=10 / 60)
    interpolator.clock.tick = 15.0
    before = interpolator.jumps_so_far(1), interpolator.sample(1, SCHEMA.records[TRANSFORM])
    placed = (start + 14) % WRAP
    interpolator.feed([(1, TRANSFORM, placed, (90.0, 0.0, 0.0))], placed, now=14 / 60)
    after = interpolator.jumps_so_far(1), interpolator.sample(1, SCHEMA.records[TRANSFORM])
    between = [interpolator.sample(1, SCHEMA.records[TRANSFORM], tick) for tick in (9.0, 11.0, 13.9)]

    assert before == (0, (0.0, 0.0, 0.0))
    assert after == (1, (90.0, 0.0, 0.0))
    assert between == [(0.0, 0.0, 0.0)] * 3


def test_a_jump_that_is_said_again_is_one_and_of_its_first_tick() -> None:
    """Its repetition may overtake it: the place it came with belongs to the tick before."""
    interpolator = Interpolator(SCHEMA, 60, 2)
    interpolator.feed([(1, TELEPORTS, 0, (0,)), (1, TRANSFORM, 0, (0.0, 0.0, 0.0))], 0, now=0.0)
    interpolator.feed([(1, TELEPORTS, 12, (1,))], 12, now=0.2)
    late = [(1, TRANSFORM, 10, (90.0, 0.0, 0.0))]
    interpolator.feed(late, 10, now=0.2, overtaken=[(1, TELEPORTS, 10, (1,))])
    for tick in (14, 16):
        interpolator.feed([(1, TELEPORTS, tick, (1,)), (1, TRANSFORM, tick, (80.0 + tick, 0.0, 0.0))], tick, now=0.3)
    places = [interpolator.sample(1, SCHEMA.records[TRANSFORM], tick) for tick in (9.5, 10.0, 15.0)]

    assert [place and place[0] for place in places] == [0.0, 90.0, 95.0]
