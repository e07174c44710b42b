"""The database behind a gradebook.

Comes in: a path or a URL.  Goes out: an SQLAlchemy engine whose tables are up to date, and transactions on it.  Why: whatever can go wrong
with a database (locked, full, read-only, another program's, a newer version's) must be a sentence, and a kill at any moment must cost no
more than the transaction in flight.

SQLite is kept in write-ahead mode; every commit is on the disk before it returns. Writers wait for one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event, exc
from sqlalchemy.engine import URL, make_url

from checker.errors import UsageError
from checker.grading.book.tables import REVISION, book

#: The gradebook in the working folder.
DEFAULT = "gradebook.db"

#: Seconds that one process waits for another's transaction.
PATIENCE = 30.0


def connect(place: str = DEFAULT, *, create: bool = True, patience: float = PATIENCE) -> Engine:
    """An engine on the gradebook at `place`, a path or an SQLAlchemy URL, with its tables made or brought up to date.

    Raises:
        UsageError: there is none and `create` is false; it cannot be used, is another program's, or a newer version's.
    """
    url = _url(place)
    if not create and url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_file():
        raise UsageError(f"there is no gradebook at {shown(url)}: `checker grade` makes one.")
    try:
        engine = sa.create_engine(url, connect_args={"timeout": patience} if url.get_backend_name() == "sqlite" else {})
    except (exc.NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(f"the gradebook {shown(url)} needs a driver that is not installed: {error}.") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connected)
        event.listen(engine, "begin", _begun)
    try:
        with reading(engine) as connection:  # who only looks waits for no writer
            ready = _revision(connection) == REVISION
        if not ready:
            with explained(engine), engine.execution_options(begin="").connect() as connection:
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            with explained(engine), engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
                _upgrade(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one state of the gradebook, whoever writes meanwhile."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}  # SQLite has no less
    with explained(engine), engine.execution_options(**options).begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other writer runs beside: kept as a whole when the block ends, and not at all when it raises."""
    with explained(engine), engine.execution_options(begin="BEGIN IMMEDIATE").begin() as connection:
        connection.execute(sa.select(book.c.id).with_for_update())  # what BEGIN IMMEDIATE is to SQLite
        yield connection


def scrub(engine: Engine) -> None:
    """Let what was deleted leave the disk: SQLite overwrites it with zeros in its file, and its log of writes is emptied into that."""
    if engine.dialect.name == "sqlite":
        with explained(engine), engine.execution_options(begin="").connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def shown(url: URL) -> str:
    """The place as people write it: a path for SQLite, else the URL without its password."""
    return str(url.database or "in memory") if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """What the database refuses, as a sentence."""
    try:
        yield
    except exc.DBAPIError as error:
        place, said = shown(engine.url), str(error.orig)
        for words, sentence in _SENTENCES.items():
            if words in said:
                raise UsageError(f"the gradebook {place} {sentence}") from error
        if isinstance(error, exc.IntegrityError):
            raise
        raise UsageError(f"the gradebook {place} cannot be used: {said}.") from error


_SENTENCES = {
    "database is locked": "is in use: another process has been writing to it for too long. Wait for it, or end it, and try again.",
    "readonly database": "is read-only: make it and its folder writable, or give another one with --gradebook.",
    "unable to open database file": "cannot be opened: its folder must exist and be writable; or give another one with --gradebook.",
    "database or disk is full": "cannot grow: the disk is full. What was kept before is safe; make room and try again.",
    "disk I/O error": "cannot be written: the disk reports an error. What was kept before is safe; make room, or give another disk.",
    "file is not a database": "is another kind of file: give another path with --gradebook.",
    "malformed": "is damaged: restore it from a copy, or begin a new one with --gradebook.",
}


def _url(place: str) -> URL:
    if "://" not in place:
        return URL.create("sqlite", database=str(Path(place).expanduser()))
    try:
        return make_url(place)
    except (exc.ArgumentError, ValueError):
        raise UsageError(
            "the gradebook is no URL that SQLAlchemy reads: write a path, or such as postgresql+psycopg://host/name."
        ) from None


def _connected(connection: Any, _: object) -> None:
    connection.isolation_level = None  # `_begun` begins transactions, not Python's driver
    for pragma in ("foreign_keys = ON", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begun(connection: Connection) -> None:
    if begin := connection.get_execution_options().get("begin", "BEGIN"):
        connection.exec_driver_sql(begin)


def _revision(connection: Connection) -> str | None:
    """The revision of the tables, None where there are none.

    Raises:
        UsageError: the tables are another program's.
    """
    names = sa.inspect(connection).get_table_names()
    if names and not {"book", "alembic_version"} <= set(names):
        place = shown(connection.engine.url)
        raise UsageError(f"{place} is another program's database: give the gradebook one of its own with --gradebook.")
    return connection.scalar(sa.text("SELECT version_num FROM alembic_version")) if names else None


def _upgrade(connection: Connection) -> None:
    """Make the tables, or bring them to `REVISION`, in the transaction of `connection`; another process may have done so meanwhile."""
    if _revision(connection) == REVISION:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "checker.grading.book:migrations")
    try:
        command.upgrade(config, "head")
    except CommandError:
        place = shown(connection.engine.url)
        raise UsageError(f"the gradebook {place} was made by a newer version: update gradient-checker to use it.") from None
