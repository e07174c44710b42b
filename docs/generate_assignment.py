"""Write `assignment.md` from the types that read an assignment file.

Comes in: nothing.  Goes out: the page beside this one.  Why: what may be written, and what holds where nothing is, must not be able to
differ from the code. Run `python docs/generate_assignment.py` after a change of what it imports; a test fails until that is done.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, get_origin

import msgspec

from checker.grading.assignment import File, LimitsTable, wanted
from checker.grading.book.terms import Attempts, Late

HERE = Path(__file__).parent

HEAD = """# The assignment file

`checker grade` reads `assignment.toml`, or the file given by `--assignment`. One line is enough:

```
exercises = ["vectors.py"]
```

Everything else has a default. A key that is not known, a value out of range and an exercise that does not exist are refused before
anything runs, all of them at once.

## An example

```toml
title = "Week 3: gradients"
exercises = ["vectors.py::twice_dot", "matrices.py"]
due = 2026-11-30T23:59:00+01:00
by_hand = ["twice_dot"]

[points]
twice_dot = 2

[late]
grace = "15 minutes"
per_day = 0.1
at_most = 0.5

[attempts]
keep = "best"

[limits]
call_seconds = 2

[credit]
sign = 0.5
```

A target is seen from the folder of the assignment file; a file that is not there is looked for among the built-in exercises. Students
answer by an exercise's name, so no two exercises of an assignment may have the same.

## What a change does

Points, credit, dates, lateness and attempts are applied to what is kept: `checker grade` runs nothing again for them, and
`checker grade --preview` shows what would change. Limits, `by_hand`, `libraries` and an exercise's own file change what an answer turns out
to be: the answers that they touch are run again.

## Keys
"""

TAIL = """
### `[credit]`

The share of a part's points that a kind of mistake earns. The kinds, and what each earns unless this table says else, stand in
[grading-defaults.md](grading-defaults.md).

## Lateness and attempts

Lateness is counted in days that have started since the due date, by the time that really passed, whatever zones the times are written in
and through any change of the clocks. A hand-in whose time is not known is in time, or one day late where the learning system calls it late.
The share is taken from the sum of an attempt's points, overrides included.

Every content that a student hands in is an attempt. Of those that may count, `best` takes the one with the most points after the
deduction (of equals the first), `last` the last. The others are graded and shown.
"""


def page() -> str:
    """The Markdown page."""
    tables = {"": File, "late": Late, "attempts": Attempts, "limits": LimitsTable}
    return HEAD + "".join(_table(name, form) for name, form in tables.items()) + TAIL


def _table(name: str, form: type[msgspec.Struct]) -> str:
    lines = [f"\n### `[{name}]`\n" if name else "", "| key | what to write | default | what it says |", "| --- | --- | --- | --- |"]
    sentences = dict(re.findall(r"^    (\w+): .*  #: (.*)$", inspect.getsource(form), flags=re.MULTILINE))
    for field in msgspec.structs.fields(form):
        cells = (f"`{field.name}`", wanted(field.type, field.name), _default(field), sentences[field.name])
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _default(field: Any) -> str:
    if field.required:
        return "required"
    if field.default is None or isinstance(field.default, msgspec.Struct) or get_origin(field.type) is dict:
        return "none"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{msgspec.json.encode(default).decode()}`"


if __name__ == "__main__":
    (HERE / "assignment.md").write_text(page(), encoding="utf-8")
