"""Alarms: none is forgotten, none goes off early, and moving one is cheap."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ecsnet.transport.alarms import Alarms

TIMES = st.integers(0, 4000).map(lambda number: number / 997)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 5), TIMES),
        st.tuples(st.just("forget"), st.integers(0, 5), st.just(0.0)),
        st.tuples(st.just("pass"), st.just(0), st.floats(0, 0.3)),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(STEPS)
@example([("set", 0, 0.0), ("set", 1, 16 / 997), ("set", 1, 32 / 997), ("pass", 0, 0.25)])  # once missed: moved on
def test_it_does_what_a_plain_table_does(steps: list[tuple[str, int, float]]) -> None:
    alarms, table, now = Alarms[int](), dict[int, float](), 0.0
    for step, key, value in steps:
        if step == "set":
            alarms.set(key, value)
            table[key] = value
        elif step == "forget":
            alarms.forget(key)
            table.pop(key, None)
        else:
            now += value
            due = sorted(key for key, at in table.items() if at <= now)
            assert sorted(alarms.take_due(now)) == due
            table = {key: at for key, at in table.items() if at > now}
        assert alarms.next_deadline() == min(table.values(), default=None)


def test_what_was_due_long_ago_is_due_at_once() -> None:
    alarms = Alarms[str]()
    alarms.set("late", float(-5))
    alarms.set("early", 1e9)

    assert alarms.next_deadline() == -5
    assert alarms.take_due(0.0) == ["late"]
    assert alarms.take_due(0.0) == []
    assert alarms.next_deadline() == 1e9
