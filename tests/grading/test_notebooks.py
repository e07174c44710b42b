"""Notebooks become programs: code cells in order, what only IPython understands set aside, hostile JSON refused."""

from __future__ import annotations

import ast
import json
import time
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.grading.reading.files import Unreadable
from checker.grading.reading.magics import set_aside
from checker.grading.reading.notebooks import program


def saved(*cells: str, **metadata: Any) -> bytes:
    """A notebook as Jupyter saves it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=metadata)
    return nbformat.writes(notebook).encode()


def said(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        program("hw.ipynb", data)
    return str(caught.value)


def test_code_cells_are_parts() -> None:
    cells = [nbformat.v4.new_markdown_cell("# Text"), *map(nbformat.v4.new_code_cell, ["x = 1\n", "  \n", "def f():\n    return 1"])]
    read = program("hw.ipynb", nbformat.writes(nbformat.v4.new_notebook(cells=cells)).encode())
    assert [(part.label, part.source) for part in read.parts] == [("cell 1", "x = 1\n"), ("cell 3", "def f():\n    return 1")]


def test_older_notebooks_are_converted() -> None:
    cell = {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "language": "python", "outputs": [], "collapsed": False, "metadata": {}}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [cell], "metadata": {}}]}
    assert [part.source for part in program("hw.ipynb", json.dumps(old).encode()).parts] == ["x = 1\ny = 2"]


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install torch\nx = 1", "pass\nx = 1"),
        ("pip install torch\nx = 1", "pass\nx = 1"),
        ("if a:\n    !ls\n    x = 1", "if a:\n    pass\n    x = 1"),
        ("files = !ls *.py\nx = 1", "files = None\nx = 1"),
        ("t = %timeit -o f(1)", "t = None"),
        ("%time y = f(x)", "y = f(x)"),
        ("  y = %time f(x)", "y = f(x)"),
        ("%timeit f(x)", "pass"),
        ("?torch.sum\ntorch.sum?\ntorch.sum??\n%time?\nx = 1", "pass\npass\npass\npass\nx = 1"),
        ("%%time\nx = 1", "\nx = 1"),
        ("\n%%timeit -n 3\nx = 1", "\n\nx = 1"),
        ("%%bash\nrm -rf /", ""),
        ("%%writefile answers.py\nx = 1", ""),
        ("!echo a \\\n  b\nx = 1", "pass\n\nx = 1"),
        ("    x = 1\n    y = 2", "x = 1\ny = 2"),
        (">>> x = 1\n>>> if x:\n...     y = 2", "x = 1\nif x:\n    y = 2"),
    ],
)
def test_what_only_ipython_understands_is_set_aside(source: str, meant: str) -> None:
    assert set_aside(source) == meant


@pytest.mark.parametrize(
    "source",
    [
        "x = (a\n% b)",
        "x = a \\\n% b",
        "x = [\n!= 3]",
        's = """\n%matplotlib inline\n!ls\n"""',
        "s = '''it's\n!ls\\'''\n%time x\n'''\ny = 1",
        's = r"""\\\n!ls"""',
        's = f"{x}" + "%time" + \'"""\'\ny = "!ls"',
        "s = 'a\\\n!ls'\nx = 1",
        "# it's a (comment\nx = 1 % 2",
        "x = y  # why?",
        "s = ')'\nx = '%s' % s",
        "d = {\n  'a': '''\n!ls''',\n%b\n}",
        "x != y",
        "",
        "\n\n",
    ],
)
def test_python_is_left_as_it_is(source: str) -> None:
    assert set_aside(source) == source


def test_a_magic_after_a_text_of_several_lines_is_seen() -> None:
    assert set_aside('s = """\n!ls\n"""; t = ")"\n!ls') == 's = """\n!ls\n"""; t = ")"\npass'


@settings(deadline=None)
@given(st.text(alphabet="ab =%!?\\\n\"'()[]{}#", max_size=60))
def test_lines_stay_where_they_are(source: str) -> None:
    told = set_aside(source)
    assert told == "" or told.count("\n") == source.count("\n")


@settings(deadline=None)
@given(st.text(alphabet="ab1 =%,+\\\n\"'()[]#", max_size=40))
def test_what_python_reads_is_not_changed(source: str) -> None:
    if source[:1].isspace():  # IPython takes the first line's indentation away
        return
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return
    assert set_aside(source) == source


@pytest.mark.parametrize(
    "piece", [" ", "a ", "a,", "%", "!", "?", "'", '"', '"""', "\\", "\\'", "(", "#", "a?", "a=", "x = !", ">>> ", "%time "]
)
def test_no_line_takes_longer_than_itself(piece: str) -> None:
    start = time.process_time()
    set_aside(piece * (2**17 // len(piece)))
    set_aside("x" + piece * (2**17 // len(piece)) + "\n" + piece)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"[" * 500_000, "is too large or too deep to be read."),
        (b'{"a":' * 500_000, "is too large or too deep to be read."),
        (b"[" + b"[]," * 600_000, "is too large or too deep to be read."),
        (b'"' + b'\\"' * 2_000_000, "is not a notebook: save it again from Jupyter."),
        (b"x = 1", "is not a notebook: save it again from Jupyter."),
        (b"[1]", "is not a notebook: save it again from Jupyter."),
        (b"{}", "is not a notebook: save it again from Jupyter."),
        (b"null", "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 99}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": {}, "cells": []}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 4, "cells": 3}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 4, "cells": [3]}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud800"}]}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 3, "worksheets": 3}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 4, "metadata": [], "cells": []}', "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 4, "nbformat_minor": ' + b"9" * 5000 + b"}", "is not a notebook: save it again from Jupyter."),
        (b'{"nbformat": 4, "metadata": {}, "cells": []}', "has no code."),
        (saved("", "  \n"), "has no code."),
        (
            saved("x = 1", kernelspec={"name": "ir", "display_name": "R", "language": "R"}),
            "is a notebook of 'R', and was not read: hand in Python.",
        ),
        (saved(*["x"] * 2001), "has more than 2,000 code cells, and was not read."),
        (saved("x" * 2**19, "y" * (2**19 + 1)), "is larger than 1,024 KiB, and was not read."),
        (saved("x = 1")[:-20], "is not a notebook: save it again from Jupyter."),
        (b"\xff", "is not UTF-8 at byte 1: save it as UTF-8."),
    ],
    ids=range(24),
)
def test_what_is_no_notebook_is_a_sentence(data: bytes, sentence: str) -> None:
    start = time.process_time()
    assert said(data) == sentence
    assert time.process_time() - start < 3


def test_pictures_do_not_count_as_code() -> None:
    notebook = json.loads(saved("x = 1"))
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 3 * 2**20}}
    notebook["cells"][0]["outputs"] = [picture]
    assert [part.source for part in program("hw.ipynb", json.dumps(notebook).encode()).parts] == ["x = 1"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["code", "markdown", "x = 1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["cells", "cell_type", "source", "worksheets", "input"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values, json_values, st.sampled_from([1, 2, 3, 4]))
def test_wrong_types_raise_nothing_else(cells: Any, metadata: Any, version: int) -> None:
    data = {"nbformat": version, "nbformat_minor": 0, "metadata": metadata, "cells": cells, "worksheets": cells}
    try:
        read = program("hw.ipynb", json.dumps(data).encode())
    except Unreadable:
        return
    assert all(isinstance(part.source, str) for part in read.parts)
