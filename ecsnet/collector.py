"""The garbage collector of a server's process: it must not stop a tick to look through a world that is in use.

CPython looks for cycles whenever 700 more objects were made than freed, and now and then through all objects there are:
20 ms with 10,000 entities, more than a tick. A server makes that many objects with every send tick, and frees them
when the packets are acknowledged: its state has no cycles. So it raises the number, and takes what is there when its
loop begins (the program, the game, the level its first tick made) out of the search.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["calm_collector"]

# Objects made and not freed before cycles are looked for: a thousand clients have 15 each on their way in three send
# ticks. A game that makes cycles may lose 10 MB to them until then, and looking takes 2 ms.
YOUNG_OBJECTS = 50_000


@contextmanager
def calm_collector() -> Generator[None, None, None]:
    """Collect seldom within the block, and nothing that is there when it begins.

    It concerns the whole process, so it belongs around the loop of a program that is nothing but a server. A host that
    set a higher number, or switched the collector off, keeps what it chose.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    if before[0]:  # 0: off
        gc.set_threshold(max(before[0], YOUNG_OBJECTS), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
