"""The record: described as it is, read back as it was written, refused where it is not one."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checker import Settings, UsageError, check
from checker.record import LONGEST, SCHEMA, Document, Numbers
from checker.record_file import decode, encode, read, write
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


def test_a_full_disk_is_a_sentence_and_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        UsageError, match=r"^the record cannot be written to .*r\.json: No space left on device\. Give another file with --record\.$"
    ):
        write(tmp_path / "r.json", Document(records=[]))
    assert list(tmp_path.iterdir()) == []


def test_a_record_goes_through_links_and_pipes_and_leaves_them_what_they_are(tmp_path: Path) -> None:
    document = Document(records=[], complete=False)
    (tmp_path / "link.json").symlink_to("target.json")
    write(tmp_path / "link.json", document)
    write(tmp_path / "link.json", document)
    assert (tmp_path / "link.json").is_symlink()
    assert read(tmp_path / "target.json") == document
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        write(tmp_path / "pipe", document)
        out, _ = reader.communicate(timeout=20)
    assert decode(out) == document
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "pipe", "target.json"]
