"""JSON that is written to a terminal."""

from __future__ import annotations

import json
import re

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from checker.exporters.document import unobeyed


def test_what_a_terminal_obeys_is_an_escape():
    assert unobeyed(msgspec.json.encode("\x9b31m \u202e \u2028 何静")) == '"\\u009b31m \\u202e \\u2028 何静"'.encode()


@given(st.text())
def test_it_is_the_same_json(text):
    data = unobeyed(msgspec.json.encode({text: [text, 1.5]}))
    assert json.loads(data) == {text: [text, 1.5]}
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", data.decode())
