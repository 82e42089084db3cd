"""Keys on disk: the server's own, and those of servers a player has met.

A server's key file makes it the same server after every restart; whoever reads it can pretend to be that server. A
player's list of known servers turns the first contact into a pin. Neither file is ever overwritten when it cannot be
understood: it may be the only copy of something.
"""

import base64
import binascii
import json
import os
import stat
import tempfile
from pathlib import Path

import platformdirs

from ecsnet.errors import KeyFileError, ServerKeyChangedError
from ecsnet.joinlink import JoinLink
from ecsnet.transport.identity import Identity, fingerprint
from ecsnet.transport.noise import KEY_BYTES, Entropy

__all__ = [
    "KnownServers",
    "default_identity_path",
    "default_known_servers_path",
    "default_player_key_path",
    "load_identity",
    "load_or_create_identity",
    "make_identity",
    "read_own",
    "refuse_if_open_to_others",
    "retire_identity",
    "rotate_identity",
    "write_own",
]

_APPLICATION = "ecsnet"
_HEADER = (
    "# The private key of an ecsnet server or player. Whoever reads it can pretend to be this one: keep it secret.\n"
    "# The first line is the current key; a second one, if any, the key before it, still honoured.\n"
)
_MAX_KEYS = 2  # CHALLENGE has room for two, and whoever missed two changes has been away for long
_MAX_FILE_BYTES = 1 << 20  # 10,000 known servers; more is not a file of ours
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def default_identity_path() -> Path:
    """Return where `ecsnet serve` keeps its key unless told otherwise."""
    return platformdirs.user_data_path(_APPLICATION, appauthor=False) / "server.key"


def default_player_key_path() -> Path:
    """Return where `ecsnet keys make --player` keeps a player's key unless told otherwise."""
    return platformdirs.user_data_path(_APPLICATION, appauthor=False) / "player.key"


def default_known_servers_path() -> Path:
    """Return where clients remember servers unless told otherwise."""
    return platformdirs.user_data_path(_APPLICATION, appauthor=False) / "known_servers.json"


def load_identity(path: Path) -> Identity:
    """Read a key file of a server or a player, which must be there.

    Raises:
        KeyFileError: There is none, or it cannot be read, is open to others, or holds no key; the text says what to do.
    """
    try:
        return _load_identity(path)
    except FileNotFoundError as error:
        raise KeyFileError(f"there is no key file {path}: ecsnet keys make --key {path} makes one") from error


def load_or_create_identity(path: Path, *, entropy: Entropy = os.urandom) -> Identity:
    """Read a server's key file, or make one that only its owner can read.

    Raises:
        KeyFileError: The file cannot be read, is open to others, or holds no key; the text says what to do.
    """
    try:
        return _load_identity(path)
    except FileNotFoundError:
        identity = Identity.generate(entropy)
        if not write_own(path, _text_of(identity), replace=False):
            return _load_identity(path)  # another server started at the same moment; its key holds
        return identity


def make_identity(path: Path, *, entropy: Entropy = os.urandom) -> Identity:
    """Make a key file where there is none.

    Raises:
        KeyFileError: There is one, or it cannot be written.
    """
    identity = Identity.generate(entropy)
    if not write_own(path, _text_of(identity), replace=False):
        raise KeyFileError(
            f"{path} exists and is not overwritten: it may be the only copy. `ecsnet keys rotate` gives it a new key"
        )
    return identity


def rotate_identity(path: Path, *, entropy: Entropy = os.urandom) -> Identity:
    """Put a new key before the one in the file, which is honoured until it is retired.

    Raises:
        KeyFileError: The file cannot be read or written, or holds a former key already.
    """
    before = load_identity(path)
    if before.former is not None:
        raise KeyFileError(
            f"{path} holds a former key already ({before.former.fingerprint}), and {_MAX_KEYS} keys are the most. Once "
            "your players have come by, drop it by retire, then rotate again"
        )
    identity = Identity(entropy(KEY_BYTES), before)
    write_own(path, _text_of(identity), replace=True)
    return identity


def retire_identity(path: Path) -> Identity:
    """Drop the former key from a file; return it.

    Raises:
        KeyFileError: The file cannot be read or written, or holds no former key.
    """
    identity = load_identity(path)
    if identity.former is None:
        raise KeyFileError(f"{path} holds no former key to retire, only {identity.fingerprint}")
    write_own(path, _text_of(Identity(identity.private_bytes())), replace=True)
    return identity.former


class KnownServers:
    """The servers a player has met: trust on first use, hold to it afterwards."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is read at each question and written by `remember` and `forget`."""
        self._path = path

    def __repr__(self) -> str:
        """Show the file."""
        return f"KnownServers({str(self._path)!r})"

    def pins(self, host: str, port: int) -> tuple[bytes, ...]:
        """Return the key this server had before, to pin it; nothing for a stranger.

        Raises:
            KeyFileError: The file cannot be understood.
        """
        key = self._read().get(JoinLink(host.lower(), port).place)
        return () if key is None else (key,)

    def remember(self, host: str, port: int, key: bytes, current: bytes | None = None) -> None:
        """Note the key of a server that has proved to hold it.

        Args:
            current: What the server replaces that key by, as it has authentically said: noted in its place.

        Raises:
            KeyFileError: The file cannot be understood or written.
            ServerKeyChangedError: Another key is on record; `forget` first if that is right.
        """
        current = current or key
        known = self._read()
        place = JoinLink(host.lower(), port).place
        before = known.get(place, current)
        if before not in {key, current}:
            raise self.changed(host, port, key)
        known[place] = current
        self._save(known)

    def forget(self, host: str, port: int) -> None:
        """Drop a server's key: the next contact is a first one again."""
        known = self._read()
        if known.pop(JoinLink(host.lower(), port).place, None) is not None:
            self._save(known)

    def changed(self, host: str, port: int, key: bytes | None) -> ServerKeyChangedError:
        """Return the error for a known server that shows another key."""
        place = JoinLink(host.lower(), port).place
        before = self._read().get(place)
        return ServerKeyChangedError(
            f"{place} shows another key than before: {_describe(key)} instead of {_describe(before)}. "
            "Either the server was set up anew, or somebody is in between. Ask whoever runs it for the fingerprint; "
            f"if the new one is right, remove {place!r} from {self._path}"
        )

    def _read(self) -> dict[str, bytes]:
        try:
            text = read_own(self._path)
        except FileNotFoundError:
            return {}
        try:
            servers = json.loads(text)["servers"]
            known = {str(place): base64.b64decode(key, validate=True) for place, key in servers.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._unreadable(str(error)) from error
        if any(len(key) != KEY_BYTES for key in known.values()):
            raise self._unreadable(f"a key does not have {KEY_BYTES} bytes")
        return known

    def _unreadable(self, why: str) -> KeyFileError:
        return KeyFileError(
            f"{self._path} is not a list of known servers ({why}). Put a good copy back, or move the file away to "
            "trust every server anew at the next contact"
        )

    def _save(self, known: dict[str, bytes]) -> None:
        servers = {place: base64.b64encode(key).decode() for place, key in sorted(known.items())}
        write_own(self._path, json.dumps({"servers": servers}, indent=2) + "\n", replace=True)


def _load_identity(path: Path) -> Identity:
    text = read_own(path, secret=True)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        privates = [binascii.unhexlify(line) for line in lines]
    except ValueError:
        privates = []
    if not 1 <= len(privates) <= _MAX_KEYS or any(len(private) != KEY_BYTES for private in privates):
        raise KeyFileError(
            f"{path} holds no key: it has one line of {2 * KEY_BYTES} hex digits, or {_MAX_KEYS} while the key is "
            "replaced. Put a good copy back, or move the file away to get a new key; players who know the old one will "
            "then be warned"
        )
    former = Identity(privates[1]) if len(privates) > 1 else None
    return Identity(privates[0], former)


def _text_of(identity: Identity) -> str:
    kept = [identity] if identity.former is None else [identity, identity.former]
    return _HEADER + "".join(f"{each.private_bytes().hex()}\n" for each in kept)


def read_own(path: Path, *, secret: bool = False) -> str:
    """Read a small text file; a secret one only if nobody else can.

    Raises:
        FileNotFoundError: There is none.
        KeyFileError: It cannot be read or trusted.
    """
    try:
        with path.open("rb") as file:
            if secret:
                refuse_if_open_to_others(path, os.fstat(file.fileno()).st_mode)
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise KeyFileError(f"{path} is larger than {_MAX_FILE_BYTES} bytes: it is not a file of ecsnet")
    return data.decode(errors="replace")


def refuse_if_open_to_others(path: Path, mode: int) -> None:
    """Check a file's mode; Windows has no such bits, there the user's profile folder protects it.

    Raises:
        KeyFileError: Others than its owner can use the file.
    """
    if os.name == "posix" and mode & _OTHERS:
        raise KeyFileError(
            f"{path} can be used by others (mode {stat.S_IMODE(mode):03o}), so what it hides may be known. "
            f"To keep it: chmod 600 {path}"
        )


def write_own(path: Path, text: str, *, replace: bool) -> bool:
    """Write a file whole or not at all, for its owner alone; without `replace` tell whether it was not there before.

    Raises:
        KeyFileError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            return _put(temporary, path, replace=replace)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror}") from error


def _put(temporary: Path, path: Path, *, replace: bool) -> bool:
    """Give the finished file its name in one step; without `replace` only if the name is free."""
    if replace:
        temporary.replace(path)
        return True
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: two servers that start at once may now disagree
        if path.exists():
            return False
        temporary.replace(path)
    return True


def _describe(key: bytes | None) -> str:
    return "an unknown one" if key is None else fingerprint(key)
