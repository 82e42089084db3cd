"""Print what logins cost: `python tests/bench/bench_accounts.py`. For one usual core, and another for the worker.

A password is to be checked beside the game: so a loop of ticks is run alone, and then with a worker that never rests.
Before `cryptography` 50 a hash held Python's lock: then the longest tick takes a hash longer, in which nothing moves.
"""

import sys
import tempfile
import time
from pathlib import Path

import cryptography

from ecsnet.accountfile import AccountFile, open_accounts
from ecsnet.accounts import Accounts, make_account
from ecsnet.config import AccountConfig

TICK_SECONDS = 1 / 60
WORK_SECONDS = 0.004  # of a tick, in Python
TICKS = 300
PASSWORD = "correct horse"  # noqa: S105  # protects nothing
TARGET_HASH_SECONDS = 0.060  # twice as slow a machine as was measured, and some


def run_ticks(accounts: Accounts | None) -> tuple[list[float], int]:
    """Return how much later each tick ended than it could, in order, and how many logins there were."""
    late, logins = [], 0
    begin = time.perf_counter()
    for tick in range(TICKS):
        due, start = begin + tick * TICK_SECONDS, time.perf_counter()
        if accounts is not None:
            logins += len(accounts.answers())
            for number in range(2 if tick == 0 else logins_missing(accounts)):
                accounts.ask(number, "Anna", PASSWORD, network="here", now=start)
        while time.perf_counter() - start < WORK_SECONDS:
            pass
        late.append(time.perf_counter() - due - WORK_SECONDS)
        time.sleep(max(0.0, due + TICK_SECONDS - time.perf_counter()))
    return sorted(late), logins


def logins_missing(accounts: Accounts) -> int:
    """Return how many to add so that the worker always has one more."""
    return 2 - len(accounts._attempts)


def measure_hash() -> float:
    """Return the seconds of the fastest of some hashes."""
    config = AccountConfig()
    fastest = float("inf")
    for _ in range(10):
        start = time.perf_counter()
        make_account("Anna", PASSWORD, config)
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def report(name: str, late: list[float], logins: int) -> None:
    """Print how much later ticks ended than they could."""
    median, most_often, worst = (1000 * late[int(share * (len(late) - 1))] for share in (0.5, 0.99, 1))
    out(f"{name}: {logins:3d} logins; a tick ends {median:.2f} ms late, p99 {most_often:.2f}, worst {worst:.2f}")


def out(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


def main() -> bool:
    """Measure; return whether a hash is far too slow."""
    hash_seconds = measure_hash()
    out(f"cryptography {cryptography.__version__}: a hash takes {1000 * hash_seconds:.1f} ms")
    report("alone        ", *run_ticks(None))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "accounts.db"
        AccountFile(path, create=True).add(make_account("Anna", PASSWORD, AccountConfig()))
        report("beside logins", *run_ticks(open_accounts(path)))
    return hash_seconds > 2 * TARGET_HASH_SECONDS


if __name__ == "__main__":
    sys.exit(main())
