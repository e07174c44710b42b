"""The gradebook's tables.

Comes in: nothing.  Goes out: SQLAlchemy tables, and the revision that they belong to.  Why: rows are only ever added to `results`, `grades`
and `overrides`, so that the history of every grade is there, and unique keys make it impossible to keep the same thing twice, whoever
writes at the same time.

A change here needs a migration in `migrations/versions`, and its revision here; a test fails until both are there. Times are texts in ISO
8601 with their zone, since not every database keeps zones.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

#: The newest migration.
REVISION = "0001"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

HASH = String(64)  #: SHA-256 in hexadecimal
NAME = String(255)
TIME = String(40)

#: One row, 1: the secret that a class's random points are drawn from.
book = Table(
    "book",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary(32), nullable=False),
    Column("made", TIME, nullable=False),
)

#: `terms` is JSON of `terms.Terms`.
assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", NAME, nullable=False, unique=True),
    Column("terms", Text, nullable=False),
)

students = Table(
    "students",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student", NAME, nullable=False, unique=True),  # what the learning system calls the student
    Column("name", Text, nullable=False),
)

#: `number` counts a student's attempts as the gradebook saw them; `stated` is the number that the source gave.
submissions = Table(
    "submissions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment", ForeignKey("assignments.id"), nullable=False),
    Column("student", ForeignKey("students.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("stated", Integer, nullable=False),
    Column("content", HASH, nullable=False, index=True),
    Column("submitted", TIME),
    Column("late", Boolean),
    Column("source", Text, nullable=False),
    Column("problems", Text, nullable=False),  # JSON, a list of sentences
    UniqueConstraint("assignment", "student", "number"),
    UniqueConstraint("assignment", "student", "content", "stated"),
)

#: What an answer turned out to be. The first five columns are everything that a result depends on. `result` is JSON of `grades.Result`.
results = Table(
    "results",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content", HASH, nullable=False),
    Column("exercise", NAME, nullable=False),
    Column("fingerprint", HASH, nullable=False),
    Column("conditions", HASH, nullable=False),
    Column("grader", String(40), nullable=False),
    Column("result", Text, nullable=False),
    Column("made", TIME, nullable=False),
    UniqueConstraint("content", "exercise", "fingerprint", "conditions", "grader"),
)

#: What a result earned, and every grade before it: the highest `version` of a submission's exercise is in force.
grades = Table(
    "grades",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("submission", ForeignKey("submissions.id"), nullable=False),
    Column("exercise", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("result", ForeignKey("results.id"), nullable=False, index=True),
    Column("points", Float, nullable=False),
    Column("earned", Float, nullable=False),
    Column("credit", Text, nullable=False),  # JSON, the share earned by each part
    Column("made", TIME, nullable=False),
    Column("why", Text, nullable=False),
    UniqueConstraint("submission", "exercise", "version"),
)

#: Points that a person gave: the last row of a student's exercise is in force, and one without points takes the earlier ones back.
overrides = Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("assignment", ForeignKey("assignments.id"), nullable=False),
    Column("student", ForeignKey("students.id"), nullable=False, index=True),
    Column("exercise", NAME, nullable=False),
    Column("earned", Float),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("made", TIME, nullable=False),
)
