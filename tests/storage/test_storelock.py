"""Two servers of one key do not share a store; whoever was killed holds nothing."""

from pathlib import Path

import pytest

from ecsnet.errors import StoreError
from ecsnet.storelock import StoreLock


def test_a_second_server_of_the_same_key_is_refused(tmp_path: Path) -> None:
    """With what to do; another game, key or store is another matter, and afterwards it is free."""
    first = StoreLock(tmp_path / "a.db", "soccer", "k1", folder=tmp_path)
    for place, game, server in (("b.db", "soccer", "k1"), ("a.db", "knight", "k1"), ("a.db", "soccer", "k2")):
        StoreLock(tmp_path / place, game, server, folder=tmp_path).release()
    with pytest.raises(StoreError, match=r"another server keeps soccer in .*a\.db already"):
        StoreLock(tmp_path / "x" / ".." / "a.db", "soccer", "k1", folder=tmp_path)
    first.release()
    first.release()

    StoreLock(tmp_path / "a.db", "soccer", "k1", folder=tmp_path).release()


def test_no_password_of_a_url_is_shown(tmp_path: Path) -> None:
    """It stands on somebody's screen."""
    url = "mongodb://anna:secret@host/db"
    lock = StoreLock(url, "soccer", "k", folder=tmp_path)
    with pytest.raises(StoreError, match="in host/db already") as refused:
        StoreLock(url, "soccer", "k", folder=tmp_path)

    assert "secret" not in str(refused.value)
    lock.release()
