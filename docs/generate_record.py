"""Write `record.md` and `record.schema.json` from the types that make the record.

Comes in: nothing.  Goes out: two files beside this one.  Why: the record is a contract; its description must not be able to differ from it.
Run `python docs/generate_record.py` after a change of `checker/record.py`; a test fails until that is done.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import msgspec

from checker import record
from checker.values import Comparison, Verdict, Worst

HERE = Path(__file__).parent
PARTS = (
    record.Document,
    record.Provenance,
    record.Refusal,
    record.Record,
    record.Text,
    record.SourceRecord,
    record.InputRecord,
    record.PublishedRecord,
    record.MathematicsRecord,
    record.PathRecord,
    record.DescentRecord,
    record.CaseRecord,
    record.ReferenceRecord,
    record.DerivationRecord,
    record.SecondOrderRecord,
    record.ProblemRecord,
    Comparison,
    Worst,
    record.CutRecord,
    record.OperationRecord,
    record.CheckRecord,
    record.CurveRecord,
    record.StepRecord,
    record.Numbers,
)

HEAD = f"""# The record

What `checker check --record FILE` writes, and the only thing that reports are made from: one JSON document of the schema
`{record.SCHEMA}`. The number at the end is raised whenever a field changes its meaning or disappears; new optional fields may
appear without that. A JSON Schema lies beside this page in `record.schema.json`. JSON has no NaN: a number that is not finite is written
as `"nan"`, `"inf"` or `"-inf"`.
A verdict is one of {", ".join(f"`{v.value}`" for v in Verdict)}.

This page is generated from the types by `python docs/generate_record.py`.
"""


def page() -> str:
    """The Markdown page: every part with its sentence and its fields."""
    return HEAD + "".join(_part(part) for part in PARTS)


def schema() -> str:
    """The JSON Schema of a record file."""
    return json.dumps(msgspec.json.schema(record.Document), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _part(part: type[msgspec.Struct]) -> str:
    lines = [
        f"\n## {part.__name__}\n",
        inspect.cleandoc(part.__doc__ or ""),
        "\n| field | type | | what it says |",
        "| --- | --- | --- | --- |",
    ]
    sentences = dict(re.findall(r"^    (\w+): .*  #: (.*)$", inspect.getsource(part), flags=re.MULTILINE))
    for field in msgspec.structs.fields(part):
        needed = "required" if field.required else "optional"
        lines.append(f"| `{field.name}` | {_type(field.type)} | {needed} | {sentences[field.name]} |")
    return "\n".join(lines) + "\n"


def _type(kind: object) -> str:
    text = inspect.formatannotation(kind).replace("typing.", "").replace("checker.record.", "").replace("checker.values.", "")
    text = text.replace("Union[float, Literal['nan', 'inf', '-inf']]", "Number").replace("float | Literal['nan', 'inf', '-inf']", "Number")
    return f"`{text}`".replace("|", "\\|")


if __name__ == "__main__":
    (HERE / "record.md").write_text(page(), encoding="utf-8")
    (HERE / "record.schema.json").write_text(schema(), encoding="utf-8")
