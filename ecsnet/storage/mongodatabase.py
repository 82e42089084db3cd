"""The database of a store in MongoDB: reached, told from others, and whatever fails in it by its name.

Its URL may hold a password, which is in no text of ours: neither in errors, nor in logs, nor in a `repr`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    CursorNotFound,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from ecsnet.errors import StoreError, StoreUnavailable
from ecsnet.quoting import cut

__all__ = [
    "DEFAULT_DATABASE",
    "DUPLICATE_KEY",
    "LAYOUT",
    "Client",
    "Documents",
    "MongoDatabase",
    "check_layout",
    "connect",
    "named_errors",
    "safe",
    "shown",
]

Client: TypeAlias = MongoClient[dict[str, Any]]  # whatever the driver decodes
Documents: TypeAlias = Collection[dict[str, Any]]
MongoDatabase: TypeAlias = Database[dict[str, Any]]

DEFAULT_DATABASE = "ecsnet"
LAYOUT = "ecsnet"  # the collection that tells a store from other databases
VERSION = 1  # of the layout
MAX_TEXT_BYTES = 300  # of an error of the driver; some tell all they know
MIN_WIRE_VERSION = 13  # of MongoDB 5.0, the first that keeps a field whose name begins with "$"
WRITE_SECONDS = 5.0  # until a majority has it in its journal: milliseconds, unless a machine has just gone
# What a URL does not say otherwise. The writer's thread waits no longer than these, and the game not at all.
DEFAULTS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 2000,  # a database that nobody finds in two seconds is away
    "connectTimeoutMS": 2000,
    "socketTimeoutMS": 10_000,  # an answer: longer than WRITE_SECONDS
    "serverMonitoringMode": "poll",  # who waits for a server asks it again at once, and not when it is due in 10 s
}
DUPLICATE_KEY = 11000
# Of mongod, what a later try may not meet any more. Source: error_codes.yml of MongoDB.
NOT_NOW = frozenset(
    {
        24,  # LockTimeout
        46,  # LockBusy
        50,  # MaxTimeMSExpired
        91,  # ShutdownInProgress
        112,  # WriteConflict
        117,  # ConflictingOperationInProgress
        175,  # QueryPlanKilled: the collection was dropped meanwhile
        189,  # PrimarySteppedDown
        262,  # ExceededTimeLimit
        11600,  # InterruptedAtShutdown
        11601,  # Interrupted
        11602,  # InterruptedDueToReplStateChange
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
        14031,  # OutOfDiskSpace
    }
)


def shown(url: str) -> str:
    """Return of a URL what anybody may see: neither who logs in, nor the options, some of which are secret."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def connect(url: str) -> tuple[Client, MongoDatabase]:
    """Return a client for the URL, and its database; nothing is asked yet.

    Raises:
        StoreError: The URL is none.
    """
    defaults = {name: value for name, value in DEFAULTS.items() if f"{name}=".lower() not in url.lower()}
    try:
        client: Client = MongoClient(url, **defaults)
        name = client.get_default_database(DEFAULT_DATABASE).name
    except (PyMongoError, ValueError, TypeError):
        # Not a word of the driver's, which may quote a password in the wrong place, nor of the URL.
        raise StoreError(
            f"cannot understand {url.partition('://')[0]}://...: a store's URL is like mongodb://user:password@host:27017/"
            f"{DEFAULT_DATABASE}, and in a password : / ? # [ ] @ % are %3A %2F %3F %23 %5B %5D %40 %25"
        ) from None
    codec: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)
    return client, client.get_database(name, codec_options=codec)


def safe(database: MongoDatabase, where: str) -> MongoDatabase:
    """Return a database that acknowledges what is in the journal, on the disk, of as many servers as outlive the rest.

    A server that is alone must not be asked for a majority: killed at once, mongod 8.2 had lost up to 18 of 20
    documents that it had acknowledged so, journal or not, and none that were asked for without.

    Raises:
        StoreError: The server is too old.
    """
    hello = database.client.admin.command("hello")
    if hello["maxWireVersion"] < MIN_WIRE_VERSION:
        raise StoreError(f"{where} is older than MongoDB 5, which takes names of fields as they are: update it")
    is_alone = "setName" not in hello and hello.get("msg") != "isdbgrid"
    concern = WriteConcern(1 if is_alone else "majority", wtimeout=int(WRITE_SECONDS * 1000), j=True)
    return database.with_options(write_concern=concern)


def check_layout(layouts: Documents, where: str, *, create: bool) -> None:
    """Refuse what is no store, and one of a later ecsnet.

    Args:
        create: Make a store of a database that is empty.
    """
    layout = layouts.find_one({"_id": "layout"})
    if layout is None and not create:
        raise StoreError(f"there is no store in {where}: ecsnet serve --store URL makes it")
    if layout is None:
        others = set(layouts.database.list_collection_names()) - {LAYOUT}
        if others:
            raise StoreError(f"{where} has other collections ({min(others)!r}): name a database of its own in the URL")
        layout = {"version": VERSION}
        layouts.update_one({"_id": "layout"}, {"$setOnInsert": layout}, upsert=True)
    if layout["version"] > VERSION:
        raise StoreError(f"{where} is of version {layout['version']}, and this ecsnet knows {VERSION}: update ecsnet")


@contextmanager
def named_errors(where: str) -> Iterator[None]:
    """Make whatever goes wrong a StoreError that names the database, and StoreUnavailable what may be right later."""
    try:
        yield
    except PyMongoError as error:
        text = cut(str(error).partition(" (configured timeouts")[0], MAX_TEXT_BYTES)
        if _is_passing(error):
            raise StoreUnavailable(f"cannot use the store {where} now: {text}") from error
        raise StoreError(f"the store {where} refuses this for good: {text}") from error
    except (BSONError, OverflowError, UnicodeError) as error:  # no value for a document
        raise StoreError(f"cannot keep this in the store {where}, or ask for it: {error}") from error


def _is_passing(error: PyMongoError) -> bool:
    if isinstance(error, BulkWriteError):
        codes = {failed["code"] for failed in error.details["writeErrors"]} - {DUPLICATE_KEY}
        return codes <= NOT_NOW
    if isinstance(error, ConnectionFailure | WriteConcernError | ExecutionTimeout | CursorNotFound):
        return True
    return isinstance(error, OperationFailure) and (
        error.code in NOT_NOW or error.has_error_label("RetryableWriteError")
    )
