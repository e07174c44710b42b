"""How Alembic runs the migrations: in the transaction that `database.py` hands it, so that a gradebook is brought up to date as a whole."""

from __future__ import annotations

from alembic import context

from checker.grading.book.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
