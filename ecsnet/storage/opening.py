"""Opening a store by its name: a file's, or the URL of a database."""

from pathlib import Path

from ecsnet.errors import StoreError
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import Store

__all__ = ["open_store"]


def open_store(where: str | Path, *, create: bool = True) -> Store:
    """Open the store in a file.

    Args:
        where: The path of a file.
        create: Make it if it is not there.

    Raises:
        StoreError: It is not there, is something else, is damaged, or is of a newer version.
        StoreUnavailable: It cannot be used now.
    """
    if "://" in str(where):
        raise StoreError(f"cannot open the store {str(where).partition('://')[0]}://...: name a file")
    return SQLiteStore(Path(where), create=create)
