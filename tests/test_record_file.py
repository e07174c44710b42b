"""The record: described as it is, read back as it was written, refused where it is not one."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checker import Settings, UsageError, check
from checker.record import LONGEST, SCHEMA, Document, Numbers
from checker.record_file import decode, encode, read
from checker.values import number

DOCS = Path(__file__).parents[1] / "docs"


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate_record", DOCS / "generate_record.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_description_is_that_of_the_types() -> None:
    made = generator()
    assert (DOCS / "record.md").read_text(encoding="utf-8") == made.page(), "run python docs/generate_record.py"
    assert (DOCS / "record.schema.json").read_text(encoding="utf-8") == made.schema(), "run python docs/generate_record.py"


def test_every_part_is_described() -> None:
    described = {part.__name__ for part in generator().PARTS}
    assert set(json.loads(generator().schema())["$defs"]) - {"Verdict"} == described


def test_a_real_record_survives_the_journey() -> None:
    x = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
    record = check(lambda x: x.sqrt().sum(), x, settings=Settings(methods=("reverse", "differences")))
    document = Document(records=[record])
    data = encode(document)
    assert decode(data) == document
    assert json.loads(data)["schema"] == SCHEMA
    assert json.loads(data)["records"][0]["cases"][0]["derivations"][0]["method"] == "differences"


@given(st.floats())
def test_every_float_can_be_written(value: float) -> None:
    written = json.loads(json.dumps(number(value), allow_nan=False))
    assert float(written) == value or np.isnan(value)


def test_long_arrays_say_what_they_leave_out() -> None:
    array = np.arange(LONGEST + 10.0).reshape(2, -1)
    numbers = Numbers.of(array)
    assert (len(numbers.values), numbers.omitted, numbers.shape) == (LONGEST, 10, array.shape)
    assert numbers.norm == pytest.approx(float(np.linalg.norm(array)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"not json", "rec.json is not a record file"),
        (b"[1, 2]", "rec.json is not a record file"),
        (b'{"schema": "other/2"}', "rec.json has schema 'other/2'; this version reads"),
        (json.dumps({"schema": SCHEMA, "records": [{"exercise": 3}]}).encode(), "rec.json is not a valid record"),
    ],
)
def test_what_is_no_record_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        decode(data, name="rec.json")
    assert str(caught.value).startswith(sentence)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        read(tmp_path / "missing.json")
