"""Who gets a record. An audience is named by a key; a client belongs to some, and gets what is sent to these.

Today there are two kinds: everyone, and the owner of an entity. A team, a room or a cell of a grid is one more kind of
key, one more case in `key_of` and one more key in `keys_of`; detect, the chunks and the repairs do not change.
"""

from typing import TypeAlias

from ecsnet.fields import Audience

__all__ = ["EVERYONE_KEY", "AudienceKey", "key_of", "keys_of", "owner_key"]

AudienceKey: TypeAlias = tuple[str, int]

EVERYONE_KEY: AudienceKey = ("everyone", 0)


def owner_key(client_id: int) -> AudienceKey:
    """Return the key of what only this client gets, as the owner of entities."""
    return ("owner", client_id)


def key_of(audience: Audience, owner: int) -> AudienceKey | None:
    """Return which audience gets a record of an entity; None if it is for nobody.

    Args:
        owner: The client that owns the entity; 0 is the server, which needs no message.
    """
    if audience is Audience.EVERYONE:
        return EVERYONE_KEY
    return owner_key(owner) if owner else None


def keys_of(client_id: int) -> tuple[AudienceKey, ...]:
    """Return the audiences a client belongs to."""
    return (EVERYONE_KEY, owner_key(client_id))
