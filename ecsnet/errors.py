"""Every exception ecsnet raises on purpose; the bottom of the house, so it imports nothing."""

__all__ = [
    "AccountError",
    "EcsnetError",
    "KeyFileError",
    "LinkError",
    "LocalProtocolError",
    "PortInUseError",
    "RecordingError",
    "Refused",
    "RemoteProtocolError",
    "SchemaError",
    "SendQueueFull",
    "ServerKeyChangedError",
    "StoreError",
    "StoreUnavailable",
    "TokenError",
]


class EcsnetError(Exception):
    """Base of every error ecsnet raises on purpose."""


class SchemaError(EcsnetError, TypeError):
    """A game, component, field or remote call is declared wrongly; the text names the place and the fix."""


class LocalProtocolError(EcsnetError):
    """The caller asked a connection for something its state or its limits do not allow."""


class SendQueueFull(LocalProtocolError):  # noqa: N818  # reads as the condition it is, like queue.Full
    """A reliable channel's queue holds all it may; wait for acknowledgements and send again."""


class RemoteProtocolError(EcsnetError):
    """The other side's bytes break the protocol. Parsers raise it; it never reaches the host application."""


class LinkError(EcsnetError, ValueError):
    """An address or a join link cannot be understood; the text shows it and an example of a right one."""


class KeyFileError(EcsnetError):
    """The server's key file cannot be trusted or read; the text says why and what to do."""


class TokenError(EcsnetError):
    """A connect token is not valid, or not here, or not any more; the text says why."""


class AccountError(EcsnetError):
    """A name or password cannot be an account's, or the file of accounts cannot be used; the text says why."""


class StoreError(EcsnetError):
    """A store cannot be used, or cannot keep what it was given; the text names it and says what to do."""


class StoreUnavailable(StoreError):  # noqa: N818  # reads as the condition it is
    """A store cannot be used at the moment: it is locked, full or out of reach. The same may be right later."""


class RecordingError(EcsnetError):
    """A recording cannot be made, read or shown; the text names the file, or the place in it, and why."""


class ServerKeyChangedError(EcsnetError):
    """A server known from before shows another key: either it was set up anew, or somebody is in between."""


class PortInUseError(EcsnetError, OSError):
    """Another program already listens on the port; the text names it and how to choose another."""


class Refused(EcsnetError):  # noqa: N818  # raised by a game's rpc handler: `raise Refused("not your turn")`
    """A remote call is refused on purpose; the caller's Reply carries the text."""
