"""Opening a store by its name: the path of a file, or the URL of a MongoDB database."""

from pathlib import Path

from ecsnet.errors import StoreError
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import Store

__all__ = ["open_store"]

MONGO_SCHEMES = ("mongodb", "mongodb+srv")
NO_FILES = ("mongodb:", "mongodb+srv:")  # a slip in a URL, which may hold a password, is not to become a file's name


def open_store(where: str | Path, *, create: bool = True) -> Store:
    """Open a store.

    Args:
        where: The path of a file, or "mongodb://...".
        create: Make it if it is not there.

    Raises:
        StoreError: It is not there, is something else, is damaged, is of a newer version, or `where` cannot be one.
        StoreUnavailable: It cannot be used now.
    """
    scheme, separator, _ = str(where).partition("://")
    if isinstance(where, Path) or not separator:
        if str(where).startswith(NO_FILES):
            raise StoreError("the URL of a database has two slashes: mongodb://host/name")
        return SQLiteStore(Path(where), create=create)
    if scheme not in MONGO_SCHEMES:
        raise StoreError(
            f"there is no kind of store for {scheme}://...: name a file, or a database as mongodb://host/name"
        )
    return _open_mongo(str(where), create=create)


def _open_mongo(url: str, *, create: bool) -> Store:
    """Open a store by a library that not everybody has."""
    try:
        from ecsnet.storage.mongostore import MongoStore  # noqa: PLC0415  # an extra; it takes 0.2 s to import
    except ModuleNotFoundError as error:
        if error.name not in {"pymongo", "bson"}:
            raise
        raise StoreError("a store in MongoDB takes pymongo: pip install 'ecsnet[mongo]'") from error
    return MongoStore(url, create=create)
