"""Print how a connection fares behind a bottleneck: `python tests/bench/bench_congestion.py`. Virtual time, no chance.

`use`: share of the bottleneck's bytes, headers included, in the last 10 s. `queue`: 95 of 100 datagrams wait less.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ecsnet.testing.network import Link
from tests.transport.bottleneck import Bottleneck
from tests.transport.pair import SERVER

DEEP = 1 << 30
LAST = 10.0


def link(rate: float, rtt: float, *, loss: float = 0.0, queue: int = DEEP) -> Link:
    """Make a link of a rate in bytes a second and a round trip in seconds."""
    return Link(bandwidth_bytes_per_second=rate, latency_seconds=rtt / 2, loss=loss, queue_bytes=queue)


def figures(path: Bottleneck) -> str:
    """Return the row's figures."""
    return (
        f"use {path.use(LAST):4.0%}   queue {path.wait(LAST) * 1000:4.0f} ms   overflow {path.overflow(LAST):5.1%}"
        f"   fairness {path.fairness(LAST):.2f}"
    )


def clean() -> None:
    """One flow, state or a download, over links of all kinds."""
    for reliable in (False, True):
        for rate in (64_000, 250_000, 1_000_000):
            for rtt in (0.02, 0.05, 0.1, 0.2):
                path = Bottleneck(link(rate, rtt), seed=1)
                path.join(reliable=reliable)
                path.run(20)
                again = path.flows[0].statistics.retransmits
                kind = "download" if reliable else "state"
                row(f"{kind}, {rate // 1000} kB/s, {rtt * 1000:.0f} ms", f"{figures(path)}   sent again {again}")


def shared() -> None:
    """Two flows, the second 8 s later."""
    for rate in (64_000, 250_000, 1_000_000):
        for rtt in (0.02, 0.05, 0.1, 0.2):
            path = Bottleneck(link(rate, rtt), seed=1)
            path.join()
            path.run(8)
            path.join()
            path.run(40)
            row(f"two flows, {rate // 1000} kB/s, {rtt * 1000:.0f} ms", figures(path))


def lossy() -> None:
    """Random losses, and a shallow buffer."""
    for loss in (0.01, 0.05, 0.1, 0.2):
        for reliable in (False, True):
            path = Bottleneck(link(1_000_000, 0.05, loss=loss), seed=1)
            path.join(reliable=reliable)
            path.run(20)
            row(f"{'download' if reliable else 'state'}, 1 MB/s, 50 ms, {loss:.0%} lost", figures(path))
    for rate in (64_000, 250_000, 1_000_000):
        for flows in (1, 2):
            path = Bottleneck(link(rate, 0.05, queue=10_000), seed=1)
            for _ in range(flows):
                path.join()
            path.run(30)
            row(f"{flows} flows, {rate // 1000} kB/s, 10 kB buffer", figures(path))


def interrupted() -> None:
    """Three seconds without a link, or without the host."""
    for rate in (64_000, 1_000_000):
        for stalls in (False, True):
            path = Bottleneck(link(rate, 0.05), seed=1)
            path.join()
            path.run(8)
            if stalls:
                path.stall_server(3.0)
            else:
                path.network.partition(SERVER, path.address(0))
            path.run(3)
            path.network.heal(SERVER, path.address(0))
            uses = []
            for _ in range(6):
                path.run(0.5)
                uses.append(f"{path.use(0.5):4.0%}")
            name = "stall" if stalls else "no link"
            row(f"{name} for 3 s, {rate // 1000} kB/s", f"use of each half second after: {' '.join(uses)}")


def row(name: str, text: str) -> None:
    """Print one."""
    print(f"{name:<36}{text}", flush=True)


if __name__ == "__main__":
    clean()
    shared()
    lossy()
    interrupted()
