"""Which store a name means, and which it cannot mean."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from ecsnet.errors import StoreError
from ecsnet.storage.opening import open_store


def test_a_name_is_a_file_unless_it_is_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a text or as a path."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.db", Path("b.db")):
        with closing(open_store(name)) as store:
            assert store.matches() == []

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "b.db"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mongodb:/anna:secret@host/db", "the URL of a database has two slashes"),
        ("mongodb+srv:anna:secret@host", "the URL of a database has two slashes"),
        ("mongo://anna:secret@host/db", "there is no kind of store for mongo://..."),
        ("MONGODB://anna:secret@host/db", "there is no kind of store for MONGODB://..."),
    ],
)
def test_a_slip_in_a_url_makes_no_file_and_tells_no_password(
    url: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder `mongodb:` with the password in a name would be made, and the game kept there."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match=re.escape(told)) as caught:
        open_store(url)

    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
