"""How Alembic runs the migrations: in the transaction that it is handed, or on the database that `alembic -x url=…` names."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine

from checker.grading.tables import metadata

_given = context.config.attributes.get("connection")


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


if _given is not None:
    _run(_given)
else:  # a developer's command line
    with create_engine(context.get_x_argument(as_dictionary=True)["url"]).connect() as _connection:
        _run(_connection)
