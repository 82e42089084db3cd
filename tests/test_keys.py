"""Keys on disk: made once, readable by their owner alone, never overwritten."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ecsnet import keys
from ecsnet.errors import KeyFileError, ServerKeyChangedError
from ecsnet.keys import (
    KnownServers,
    default_identity_path,
    default_known_servers_path,
    load_identity,
    load_or_create_identity,
    make_identity,
    retire_identity,
    rotate_identity,
)
from ecsnet.transport.identity import Identity, fingerprint

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such file modes")


def test_a_server_keeps_its_key(tmp_path: Path) -> None:
    """Made at the first start, in folders that need not exist, and the same at every other."""
    path = tmp_path / "a" / "b" / "server.key"
    first = load_or_create_identity(path)

    assert load_or_create_identity(path).public == first.public
    assert load_or_create_identity(tmp_path / "other.key").public != first.public
    assert [file.name for file in path.parent.iterdir()] == ["server.key"], "nothing temporary is left"


def test_the_key_follows_from_the_entropy(tmp_path: Path) -> None:
    """So a test can have the server it wants."""
    identity = load_or_create_identity(tmp_path / "server.key", entropy=lambda n: b"\x07" * n)

    assert identity.public == Identity(b"\x07" * 32).public


@posix_only
def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """From its first byte on, whatever the umask."""
    path = tmp_path / "server.key"
    before = os.umask(0)
    try:
        load_or_create_identity(path)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_key_file_others_can_use_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    """A key somebody could read is no proof of anything; the text says the command that helps."""
    path = tmp_path / "server.key"
    load_or_create_identity(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {path}"):
        load_or_create_identity(path)
    path.chmod(0o600)

    load_or_create_identity(path)


def test_windows_has_no_modes_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the profile folder protects the file."""
    path = tmp_path / "server.key"
    load_or_create_identity(path)
    path.chmod(0o644)

    class Windows:
        name = "nt"
        fstat = staticmethod(os.fstat)

    monkeypatch.setattr(keys, "os", Windows)
    load_or_create_identity(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#\n",
        b"\xff" * 40,
        b"ab" * 31,
        b"ab" * 33,
        b"zz" * 32,
        b"x" * (1 << 21),
        b"\n".join([b"ab" * 32] * 3),
        b"ab" * 32 + b"\nzz",
    ],
)
def test_a_damaged_key_file_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """It may be the only copy: a new key in its place would lock out everybody who knows the old one."""
    path = tmp_path / "server.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=str(path)):
        load_or_create_identity(path)

    assert path.read_bytes() == content


def test_a_path_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    """A folder in the file's place, a file in the folder's place."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "server.key"):
        with pytest.raises(KeyFileError, match=str(path)):
            load_or_create_identity(path)


def test_two_servers_that_start_at_once_have_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that comes second takes the key of the first."""
    path = tmp_path / "server.key"
    first: list[Identity] = []

    def entropy(size: int) -> bytes:
        monkeypatch.undo()
        first.append(load_or_create_identity(path))
        return os.urandom(size)

    assert load_or_create_identity(path, entropy=entropy).public == first[0].public


def test_without_hard_links_the_key_is_kept_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file systems have none."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    first = load_or_create_identity(tmp_path / "server.key")

    assert load_or_create_identity(tmp_path / "server.key").public == first.public


# Rotation.


def test_a_rotated_key_file_is_read_back(tmp_path: Path) -> None:
    """The new key first, the one before behind it; retiring leaves the new one alone."""
    path = tmp_path / "server.key"
    first = make_identity(path)
    second = rotate_identity(path)

    found = load_identity(path)
    assert found.public_keys == second.public_keys == (second.public, first.public)
    assert retire_identity(path).public == first.public
    assert load_or_create_identity(path).public_keys == (second.public,)
    assert [file.name for file in tmp_path.iterdir()] == ["server.key"]


def test_a_key_file_is_made_once(tmp_path: Path) -> None:
    """The file may be the only copy of a key that players trust."""
    path = tmp_path / "server.key"
    first = make_identity(path)
    with pytest.raises(KeyFileError, match="exists and is not overwritten"):
        make_identity(path)

    assert load_identity(path).public == first.public


def test_what_cannot_be_rotated_or_retired_is_left_alone_and_explained(tmp_path: Path) -> None:
    """A third key, a former key that is not there, a file that is not there."""
    path = tmp_path / "server.key"
    with pytest.raises(KeyFileError, match="keys make --key"):
        rotate_identity(path)
    make_identity(path)
    with pytest.raises(KeyFileError, match="no former key to retire"):
        retire_identity(path)
    rotate_identity(path)
    content = path.read_bytes()
    with pytest.raises(KeyFileError, match="drop it by retire, then rotate again"):
        rotate_identity(path)

    assert path.read_bytes() == content


@posix_only
@pytest.mark.parametrize("change", [rotate_identity, retire_identity])
def test_a_changed_key_file_is_for_its_owner_alone(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """Rewriting it must not open it; and one that is open is refused before."""
    path = tmp_path / "server.key"
    make_identity(path)
    if change is retire_identity:
        rotate_identity(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        change(path)
    path.chmod(0o600)
    before = os.umask(0)
    try:
        change(path)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", [rotate_identity, retire_identity])
def test_an_interrupted_change_leaves_the_old_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    """Whole or not at all: a server without its key is a stranger to everybody."""
    path = tmp_path / "server.key"
    make_identity(path)
    if change is retire_identity:
        rotate_identity(path)
    before = load_identity(path).public_keys

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        change(path)

    assert load_identity(path).public_keys == before


# Known servers.


def test_a_known_server_names_its_next_key(tmp_path: Path) -> None:
    """Noted in place of the one on record, by whichever of the two it came; a third key is an error as ever."""
    known = KnownServers(tmp_path / "known_servers.json")
    known.remember("example.org", 7777, b"k" * 32)
    known.remember("example.org", 7777, b"k" * 32, b"l" * 32)
    assert known.pins("example.org", 7777) == (b"l" * 32,)
    known.remember("example.org", 7777, b"k" * 32, b"l" * 32)
    with pytest.raises(ServerKeyChangedError):
        known.remember("example.org", 7777, b"m" * 32, b"n" * 32)

    assert known.pins("example.org", 7777) == (b"l" * 32,)


def test_a_known_server_is_pinned(tmp_path: Path) -> None:
    """By host and port, whatever the case of the name; strangers are not."""
    path = tmp_path / "folder" / "known_servers.json"
    assert KnownServers(path).pins("example.org", 7777) == ()
    KnownServers(path).remember("Example.org", 7777, b"k" * 32)
    KnownServers(path).remember("::1", 7777, b"l" * 32)

    known = KnownServers(path)
    assert known.pins("example.ORG", 7777) == (b"k" * 32,)
    assert known.pins("::1", 7777) == (b"l" * 32,)
    assert known.pins("example.org", 7778) == ()


def test_a_known_server_with_another_key_is_an_error(tmp_path: Path) -> None:
    """With both fingerprints, the file and what to do; the old key stays."""
    known = KnownServers(tmp_path / "known_servers.json")
    known.remember("example.org", 7777, b"k" * 32)
    known.remember("example.org", 7777, b"k" * 32)
    with pytest.raises(ServerKeyChangedError) as caught:
        known.remember("example.org", 7777, b"l" * 32)

    for part in (fingerprint(b"k" * 32), fingerprint(b"l" * 32), "example.org:7777", "known_servers.json"):
        assert part in str(caught.value)
    assert known.pins("example.org", 7777) == (b"k" * 32,)
    known.forget("example.org", 7777)
    known.forget("example.org", 7777)
    known.remember("example.org", 7777, b"l" * 32)


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{}", '{"servers": 5}', '{"servers": {"a:1": 5}}', '{"servers": {"a:1": "AAAA"}}',
        '{"servers": {"a:1": "?"}}', "[" * 100_000, "x" * (1 << 21),
    ],
)  # fmt: skip
def test_a_damaged_list_is_named_and_left_alone(tmp_path: Path, content: str) -> None:
    """Forgetting all keys at once would be what an attacker wants."""
    path = tmp_path / "known_servers.json"
    path.write_text(content)
    known = KnownServers(path)
    with pytest.raises(KeyFileError, match=str(path)):
        known.pins("a", 1)
    with pytest.raises(KeyFileError, match=str(path)):
        known.remember("a", 1, b"k" * 32)

    assert path.read_text() == content


def test_an_interrupted_write_leaves_the_old_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole or not at all."""
    known = KnownServers(tmp_path / "known_servers.json")
    known.remember("a", 1, b"k" * 32)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyFileError, match="No space left"):
        known.remember("b", 2, b"l" * 32)

    assert known.pins("a", 1) == (b"k" * 32,)
    assert [file.name for file in tmp_path.iterdir()] == ["known_servers.json"]


def test_the_default_places_are_the_user_s_own() -> None:
    """One folder of the user's data, two files."""
    assert default_identity_path().name == "server.key"
    assert default_known_servers_path().name == "known_servers.json"
    assert default_identity_path().parent == default_known_servers_path().parent


def test_a_fingerprint_stands_for_one_key() -> None:
    """Short enough to read out."""
    assert fingerprint(b"k" * 32) != fingerprint(b"l" * 32)
    assert len(fingerprint(b"k" * 32)) == 24
    assert Identity(b"\x07" * 32).fingerprint == fingerprint(Identity(b"\x07" * 32).public)
