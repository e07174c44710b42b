"""What Gradescope's export says of each submission: `submission_metadata.yml`.

Comes in: its bytes, and entries by folder.  Goes out: one `HandIn` an attempt of a student.  Why: the folders have numbers, and this file
alone says whose they are. Students' own words stand in it, so it is read as a stream of events, bounded, and every value stays a text.

    submission_4711:
      :submitters:
      - :name: Jane Doe
        :sid: '90210'
        :email: jane@example.edu
      :created_at: 2026-11-20 21:30:00.123456000 Z
      :history:
      - :id: 4242
        :created_at: 2026-11-19 09:00:00.000000000 Z
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from checker.grading.reading import learning_systems
from checker.grading.reading.files import Entry, Unreadable, canonical
from checker.grading.reading.learning_systems import HandIn
from checker.grading.submission import Student

METADATA = "submission_metadata.yml"
BYTES = 32 * 2**20  #: of the metadata, students' test results included
EVENTS = 4_000_000  #: of its YAML
DEPTH = 64  #: of its lists and tables
TEXT = 1_000  #: characters of a text that are kept

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml is many times faster, where PyYAML was built with it


def hand_ins(data: bytes, groups: Mapping[str, Sequence[Entry]], source: str) -> list[HandIn]:
    """What each student handed in, earlier attempts included where the export holds them. A group's work is that of each member; a
    folder that the metadata does not know is a student called by its name.

    Raises:
        Unreadable: the metadata cannot be read.
    """
    metadata = read(data)
    if not isinstance(metadata, Mapping):
        raise Unreadable("is not what Gradescope writes.")
    found = []
    others = dict(groups)
    for folder, record in metadata.items():
        attempts = _attempts(folder, _table(record))
        for number, (attempt, submitted) in enumerate(attempts, 1):
            if attempt == folder or attempt in groups:
                others.pop(attempt, None)
                entries = tuple(entry.inside for entry in groups.get(attempt, ()))
                found += [
                    HandIn(student=student, entries=entries, submitted=submitted, attempt=number, source=f"{source}/{canonical(attempt)}")
                    for student in _students(folder, _table(record))
                ]
    return found + learning_systems.hand_ins(others, source)


def read(data: bytes) -> Any:
    """YAML as texts, lists and tables by text. Types and merges are not looked at. An alias of a text is that text, any other None, so that
    no value is larger than what was written.

    Raises:
        Unreadable: it is no YAML, or too large or deep.
    """
    frames: list[list[Any]] = [[]]
    anchors: dict[str | None, str] = {}
    value: Any
    try:
        for count, event in enumerate(yaml.parse(data, Loader=_Loader)):
            if count > EVENTS or len(frames) > DEPTH:
                raise Unreadable("is too large or too deep to be read.")
            match event:
                case yaml.CollectionStartEvent():
                    frames.append([])
                    continue
                case yaml.ScalarEvent():
                    value = event.value[:TEXT]
                    if event.anchor is not None:
                        anchors[event.anchor] = value
                case yaml.AliasEvent():
                    value = anchors.get(event.anchor)
                case yaml.CollectionEndEvent():
                    value = frames.pop()
                    if isinstance(event, yaml.MappingEndEvent):
                        value = {k: v for k, v in zip(value[::2], value[1::2], strict=True) if isinstance(k, str)}
                case _:
                    continue
            frames[-1].append(value)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Unreadable("cannot be read" + (f", from line {mark.line + 1} on." if mark else ".")) from None
    return frames[0][0] if frames[0] else None


def _table(value: Any) -> Mapping[str, Any]:
    """A table, without the colon that Ruby writes before a key; an empty one of anything else."""
    return {key.removeprefix(":"): told for key, told in value.items()} if isinstance(value, Mapping) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [_table(row) for row in value] if isinstance(value, list) else []


def _students(folder: str, record: Mapping[str, Any]) -> list[Student]:
    found = []
    for submitter in _rows(record.get("submitters")):
        told = {key: canonical(value).strip() for key, value in submitter.items() if isinstance(value, str)}
        identity = told.get("sid") or told.get("email") or told.get("name")
        if identity:
            found.append(Student(id=identity, name=told.get("name", "")))
    return found or [Student(id=canonical(folder))]


def _attempts(folder: str, record: Mapping[str, Any]) -> list[tuple[str, datetime | None]]:
    """The folders of a submission and its predecessors, with their times, the first first."""
    found = {f"submission_{row.get('id')}": _time(row.get("created_at")) for row in _rows(record.get("history"))}
    found[folder] = _time(record.get("created_at")) or found.get(folder)
    latest = datetime.max.replace(tzinfo=UTC)
    return sorted(found.items(), key=lambda item: (item[1] or latest, item[0] == folder))


def _time(value: Any) -> datetime | None:
    """A time with its zone, as Ruby writes it: `2026-11-20 21:30:00.123456000 Z`, or a table with that under `utc`. None without a zone."""
    if isinstance(value, Mapping):
        value = value.get("utc")
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(re.sub(r"\s*(?:Z|UTC)$", "+00:00", value.strip()[:40]).replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    return time if time.tzinfo else None
