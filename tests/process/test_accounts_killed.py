"""A file of accounts whose writers are killed, and one with several writers: nothing that was accepted is lost."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from ecsnet.accountfile import AccountFile
from ecsnet.accountnames import name_key
from tests.process.serving import ROOT

pytestmark = [pytest.mark.process, pytest.mark.slow]

WRITER = """
import sys
from pathlib import Path
from ecsnet.accountfile import AccountFile
from ecsnet.accounts import Account
path, prefix, most = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(most):
    account = Account(f"{prefix} {number}", "$" + prefix * 200)
    assert AccountFile(path, create=True).add(account)
    print(account.name, flush=True)
"""


def write(path: Path, prefix: str, most: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(path), prefix, str(most)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_writer_killed_at_any_moment_loses_nothing_it_was_told_is_kept(tmp_path: Path) -> None:
    """Each is killed a random number of accounts later, at a random moment of the next; then the file is whole."""
    path = tmp_path / "accounts.db"
    chance = random.Random(7)
    told: list[str] = []
    for life in "abcdefgh":
        with write(path, life, 1_000_000) as writer:
            assert writer.stdout is not None
            told += [writer.stdout.readline().strip() for _ in range(chance.randint(1, 30))]
            for _ in range(chance.randint(0, 50_000)):  # a while that no clock makes even
                pass
            writer.kill()
            told += writer.stdout.read().split("\n")[:-1]
        names = AccountFile(path).names()

        assert set(told) <= set(names)
        assert len(names) - len(told) <= len("abcdefgh"), "one of each life may be kept and not told"
        account = AccountFile(path).find(name_key(f"{life} 0"))
        assert account is not None
        assert account.password_hash == "$" + life * 200


def test_several_writers_lose_nothing_of_each_other(tmp_path: Path) -> None:
    """A server makes accounts while its owner does, from the making of the file on."""
    path = tmp_path / "accounts.db"
    writers = [write(path, prefix, 40) for prefix in "abc"]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0

    assert sorted(AccountFile(path).names()) == sorted(f"{prefix} {number}" for prefix in "abc" for number in range(40))
