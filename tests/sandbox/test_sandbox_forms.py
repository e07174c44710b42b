"""Honest answers in every form, through real boxes. Expected values are by hand."""

from __future__ import annotations

import numpy as np
import pytest
from boxes import POINT, Boxes, gradient, load, program, says

from checker.sandbox.values import Form, Kind, Part, Program, Reason, Stopped

KINDS: tuple[Kind, ...] = ("numpy", "torch")
UPSTREAM = np.array([[1.0, 0.0], [0.0, 2.0]])
X, W = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])

PAIR = """
def product_forward(x, w):
    return x @ w, (x, w)

def product_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout
"""

OPERATION = """
import torch

class product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, dout):
        x, w = ctx.saved_tensors
        return dout @ w.T, x.T @ dout
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_formula_is_a_text(boxes: Boxes, kind: Kind) -> None:
    with boxes(kind).open() as session:
        loaded = load(session, 'f = "4 * x"\ng = {"x": "y", "y": "x"}', "f", "g", "h")
    assert loaded.found["f"].form is Form.FORMULA
    assert loaded.found["f"].formulas == {"": "4 * x"}
    assert loaded.found["g"].formulas == {"x": "y", "y": "x"}
    assert "h" not in loaded.found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_gradient_function(boxes: Boxes, kind: Kind, dtype: type) -> None:
    with boxes(kind).open() as session:
        result = gradient(session, "def f(x): return 4 * x", x=POINT.astype(dtype))
    assert result["0"].dtype == dtype
    assert result["0"].tolist() == [4.0, 8.0, 12.0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_pair_keeps_its_cache_inside(boxes: Boxes, kind: Kind) -> None:
    with boxes(kind).open() as session:
        assert load(session, PAIR, "product").found["product"].form is Form.PAIR
        ((label, value),) = session.call("product", "forward", {"x": X, "w": W})
        gradients = dict(session.call("product", "backward", {}, upstream=UPSTREAM))
    assert label == "0"
    assert value.tolist() == [[19.0, 22.0], [43.0, 50.0]]
    assert gradients["0"].tolist() == [[5.0, 7.0], [12.0, 16.0]]
    assert gradients["1"].tolist() == [[1.0, 6.0], [2.0, 8.0]]


def test_an_operation_is_labelled_by_its_inputs(boxes: Boxes) -> None:
    with boxes("torch").open() as session:
        loaded = load(session, OPERATION, "product")
        assert loaded.found["product"].form is Form.OPERATION
        assert loaded.imports_torch
        ((_, value),) = session.call("product", "forward", {"x": X, "w": W})
        gradients = dict(session.call("product", "backward", {}, upstream=UPSTREAM))
    assert value.tolist() == [[19.0, 22.0], [43.0, 50.0]]
    assert gradients["x"].tolist() == [[5.0, 7.0], [12.0, 16.0]]
    assert gradients["w"].tolist() == [[1.0, 6.0], [2.0, 8.0]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("body", "label"),
    [
        ("return {name: value - batch['rate'] * value for name, value in params.items()}", "w"),
        ("return (params['w'] - batch['rate'] * params['w'],)", "0"),
        ("params['w'] -= batch['rate'] * params['w']; return params", "w"),
    ],
)
def test_a_step(boxes: Boxes, kind: Kind, body: str, label: str) -> None:
    with boxes(kind).open() as session:
        assert load(session, f"def f_step(params, batch): {body}").found["f"].form is Form.STEP
        ((found, value),) = session.call("f", "step", {"w": POINT}, batch={"rate": np.array(0.5)})
    assert found == label
    assert value.tolist() == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(b, a): return a - b", {"0": 2.0}),  # by name
        ("def f(first, second): return first - second", {"0": 2.0}),  # by position
        ("def f(a): return a", {"0": 5.0}),  # by name, and one is not needed
        ("def f(a, b, dout): return a, b, dout", {"0": 5.0, "1": 3.0, "2": 7.0}),
        ("def f(p, q, r): return p, q, r", {"0": 5.0, "1": 3.0, "2": 7.0}),
        ("def f(upstream, b, a): return a, b, upstream", {"0": 5.0, "1": 3.0, "2": 7.0}),
        ("def f(p, q): return p, q", {"0": 5.0, "1": 3.0}),  # no place for upstream
        ("def f(*all): return all", {"0": 5.0, "1": 3.0, "2": 7.0}),
        ("def f(**all): return all['a'], all['b'], all['upstream']", {"0": 5.0, "1": 3.0, "2": 7.0}),
        ("def f(b, **rest): return b, rest['a'], rest['upstream']", {"0": 3.0, "1": 5.0, "2": 7.0}),
        ("def f(b, a, scale=2, *, dy=None): return scale * a, b, dy", {"0": 10.0, "1": 3.0, "2": 7.0}),
        ("import functools\nf = functools.wraps(lambda b, a: 0)(lambda *all: all)", {"0": 3.0, "1": 5.0}),  # as torch.func.grad makes it
        ("f = lambda p, q, r=0: (r, None, q)", {"0": 7.0, "2": 3.0}),
        ("import functools\ndef g(k, p, q, r): return k * p\nf = functools.partial(g, 2)", {"0": 10.0}),
        ("class F:\n  def __call__(self, a, b): return {'b': a, 'a': b}\nf = F()", {"b": 5.0, "a": 3.0}),
    ],
)
def test_arguments_go_by_name_or_by_place(boxes: Boxes, source: str, expected: dict[str, float]) -> None:
    with boxes("numpy").open() as session:
        load(session, source)
        result = dict(session.call("f", "gradient", {"a": np.array(5.0), "b": np.array(3.0)}, upstream=np.array(7.0)))
    assert {label: float(value) for label, value in result.items()} == expected


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("4 * x", {"0": [4.0, 8.0, 12.0]}),
        ("[4.0, 8.0, 12.0]", {"0": [4.0, 8.0, 12.0]}),
        ("[Fraction(1, 2), Decimal('0.25')]", {"0": [0.5, 0.25]}),
        ("Record(x, 2 * x)", {"w": [1.0, 2.0, 3.0], "b": [2.0, 4.0, 6.0]}),
        ("[x, None, 2 * x]", {"0": [1.0, 2.0, 3.0], "2": [2.0, 4.0, 6.0]}),
        ("(x, None)", {"0": [1.0, 2.0, 3.0]}),
        ("{'w': x, 'b': None}", {"w": [1.0, 2.0, 3.0]}),
        ("None", {}),
        ("True", {"0": True}),
        ("7", {"0": 7}),
        ("np.uint8([1, 2])", {"0": [1, 2]}),
        ("np.float16([1, 2])", {"0": [1.0, 2.0]}),
        ("np.longdouble([1, 2])", {"0": [1.0, 2.0]}),
        ("x[::-1]", {"0": [3.0, 2.0, 1.0]}),
        ("np.asfortranarray(np.outer(x, x))[:2, :1]", {"0": [[1.0], [2.0]]}),
        ("np.zeros((2, 0))", {"0": [[], []]}),
        ("np.ma.masked_array(x, [0, 1, 0])", {"0": [1.0, 2.0, 3.0]}),
        ("np.matrix([[1, 2]])", {"0": [[1, 2]]}),
        ("x.astype('>f8')", {"0": [1.0, 2.0, 3.0]}),
    ],
)
def test_what_may_be_returned(boxes: Boxes, returned: str, expected: dict[str, object]) -> None:
    with boxes("numpy").open() as session:
        imports = "import numpy as np\nfrom dataclasses import make_dataclass\nfrom decimal import Decimal\nfrom fractions import Fraction"
        record = "Record = make_dataclass('Record', ['w', 'b'])"
        result = gradient(session, f"{imports}\n{record}\ndef f(x): return {returned}")
    assert {label: value.tolist() for label, value in result.items()} == expected


@pytest.mark.parametrize(
    ("returned", "named"),
    [
        ("'four'", "type str"),
        ("1j * x", "an array of complex128"),
        ("np.array([None, 1])", "of object"),
        ("np.uint64([1])", "of uint64"),
        ("object()", "type object"),
        ("np.array(['2020'], 'datetime64[Y]')", "datetime64"),
        ("np.zeros((1,) * 9)", "9 dimensions"),
        ("(x,) * 65", "65 arrays were returned, 64 is the most"),
    ],
)
def test_what_is_no_array_is_named(boxes: Boxes, returned: str, named: str) -> None:
    with boxes("numpy").open() as session:
        load(session, f"import numpy as np\ndef f(x): return {returned}")
        with pytest.raises(Stopped) as raised:
            session.call("f", "gradient", {"x": POINT})
        assert raised.value.trouble.reason is Reason.KIND
        assert named in raised.value.trouble.text
        with pytest.raises(Stopped):  # and the child lives on
            session.call("f", "gradient", {"x": POINT})


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_tensors_of_short_floats_widen(boxes: Boxes, dtype: str) -> None:
    with boxes("torch").open() as session:
        result = gradient(session, f"import torch\ndef f(x): return x.to(torch.{dtype}).requires_grad_() * 2")
    assert result["0"].dtype == np.float32
    assert result["0"].tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch\ndef f(x): return torch.full((1,), float(x.std()))", 1.0),  # of tensors: divided by n − 1
        ("import torch, numpy as np\ndef f(x): return np.array([x.std()])", (2 / 3) ** 0.5),  # of arrays: by n
        ("import torch, numpy as np\ndef h(x): return np.array([x.std()])\ndef f(x): return h(x)", (2 / 3) ** 0.5),
        ("import torch\ndef f(x): return x.std()", 1.0),  # what the program imports
        ("import torch, numpy as np\ndef f(x): return np.array([x.unsqueeze(0).std()])", 1.0),  # arrays raise, so tensors
        ("import torch\nfrom numpy import linalg\ndef f(x): return torch.tensor(x.astype(float).std())", (2 / 3) ** 0.5),
    ],
)
def test_arrays_or_tensors(boxes: Boxes, source: str, expected: float) -> None:
    with boxes("torch").open() as session:
        assert gradient(session, source)["0"].item() == pytest.approx(expected, rel=1e-6)


def test_work_in_place_harms_nothing(boxes: Boxes) -> None:
    x = POINT.copy()
    with boxes("numpy").open() as session:
        load(session, "def f(x):\n    x *= 4\n    return x")
        for _ in range(2):
            assert session.call("f", "gradient", {"x": x})[0][1].tolist() == [4.0, 8.0, 12.0]
    assert x.tolist() == POINT.tolist()


def test_a_part_that_raises_leaves_the_others(boxes: Boxes) -> None:
    parts = ("def f(x): return 4 * x", "a = 1\nb = a / 0", "g = ", "k = '3 * x'\nraise SystemExit", "import torch")
    cells = Program(name="homework.ipynb", parts=tuple(Part(label=f"cell {n}", source=s) for n, s in enumerate(parts, 1)))
    with boxes("numpy").open() as session:
        loaded = session.load([cells], ["f", "g", "k"])
    assert set(loaded.found) == {"f", "k"}
    assert [(trouble.label, trouble.line) for trouble in loaded.troubles] == [("cell 2", 2), ("cell 3", 1), ("cell 4", 2), ("cell 5", 1)]
    assert [trouble.text for trouble in loaded.troubles] == [
        "ZeroDivisionError: division by zero",
        "SyntaxError: invalid syntax",
        "SystemExit",
        "ModuleNotFoundError: No module named 'torch'",
    ]
    assert loaded.imports_torch


def test_the_line_of_an_error_is_the_students_own(boxes: Boxes) -> None:
    with boxes("numpy").open() as session:
        load(session, "import numpy as np\n\ndef h(x):\n    return np.linalg.inv(x)\n\ndef f(x):\n    return h(x)")
        with pytest.raises(Stopped) as raised:
            session.call("f", "gradient", {"x": POINT})
    assert (raised.value.trouble.reason, raised.value.trouble.label, raised.value.trouble.line) == (Reason.RAISED, "answers.py", 4)
    assert raised.value.trouble.text.startswith("LinAlgError: ")


def test_programs_import_one_another_in_any_order(boxes: Boxes) -> None:
    programs = [
        program("from parts import factor\nimport statistics, b, sub\ndef f(x): return factor * x", "a.py"),
        program("factor = 4; print('once')", "parts.py"),
        program("import a", "b.py"),
        program("raise ValueError('mine')", "statistics.py"),
        program("import parts", "folder/sub.py"),
    ]
    with boxes("numpy").open() as session:
        loaded = session.load(programs, ["f"])
        assert session.call("f", "gradient", {"x": POINT})[0][1].tolist() == [4.0, 8.0, 12.0]
        assert session.output == "once\n"
    assert [trouble.label for trouble in loaded.troubles] == ["statistics.py"]


def test_main_guards_do_not_run(boxes: Boxes) -> None:
    with boxes("numpy").open() as session:
        assert load(session, "f = '1'\nif __name__ == '__main__': f = '2'").found["f"].formulas == {"": "1"}


def test_what_is_printed_is_kept(boxes: Boxes) -> None:
    with boxes("numpy").open() as session:
        gradient(session, "import sys\nprint('loading')\ndef f(x): print('ünïcode', file=sys.stderr); return x")
        assert sorted(session.output.split()) == ["loading", "ünïcode"]
        assert 0 < session.seconds < 5


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("3.5", "f is something of type float"),
        ("type('f', (), {})", "f is a class"),
        ("None", ""),
        ("...", ""),
        ("{}", "f is something of type dict"),
    ],
)
def test_what_is_no_answer_is_told(boxes: Boxes, value: str, told: str) -> None:
    with boxes("numpy").open() as session:
        loaded = load(session, f"f = {value}")
    assert not loaded.found
    assert [trouble.text for trouble in loaded.troubles] == ([f"{told}, which is no form of answer"] if told else [])


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (
            "'4x'",
            "something of type str was returned, where real numbers are asked: return an array, or several as a tuple in the order of the "
            "inputs or as a dict by name",
        ),
        ("1j * np.ones(3)", "an array of complex128 was returned, where real numbers are asked: return its real part"),
    ],
)
def test_what_is_no_array_of_numbers_is_told(boxes: Boxes, returned: str, told: str) -> None:
    with boxes("numpy").open() as session:
        load(session, f"import numpy as np\ndef f(x): return {returned}")
        with pytest.raises(Stopped) as raised:
            session.call("f", "gradient", {"x": POINT})
    assert (raised.value.trouble.reason, raised.value.trouble.text) == (Reason.KIND, told)


@pytest.mark.parametrize("kind", KINDS)
def test_random_numbers_repeat(boxes: Boxes, kind: Kind) -> None:
    draw = "import random, numpy as np\n" + ("import torch\n" if kind == "torch" else "")
    drawn = "(random.random(), np.random.rand()" + (", torch.rand(1).item())" if kind == "torch" else ")")
    assert says(boxes(kind), drawn, draw) == says(boxes(kind), drawn, draw)


def test_trusted_files_take_the_same_path(boxes: Boxes) -> None:
    with boxes("numpy", trusted=True).open() as session:
        assert gradient(session, "print(1)\ndef f(x): return 4 * x")["0"].tolist() == [4.0, 8.0, 12.0]
        assert session.output == "1\n"


def test_what_a_library_calls_so_is_no_answer(boxes: Boxes) -> None:
    """A pair of one's own counts, though `from numpy import *` brings a function of the exercise's name."""
    pair = "def trace_forward(a): return sum(diag(a)), a\ndef trace_backward(upstream, cache): return upstream * eye(len(cache))"
    with boxes("numpy").open() as session:
        loaded = load(session, f"from numpy import *\n{pair}\nsquare = multiply", "trace", "diagonal", "square", "absolute")
    assert {name: found.form for name, found in loaded.found.items()} == {"trace": Form.PAIR, "square": Form.GRADIENT}


def test_an_operation_may_work_in_place(boxes: Boxes) -> None:
    source = """
import torch
class f(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)
    @staticmethod
    def backward(ctx, upstream):
        return 2 * upstream
"""
    with boxes("torch").open() as session:
        load(session, source)
        ((_, value),) = session.call("f", "forward", {"x": POINT})
        ((label, gradient),) = session.call("f", "backward", {}, upstream=POINT)
    assert (value.tolist(), label, gradient.tolist()) == ([2.0, 4.0, 6.0], "x", [2.0, 4.0, 6.0])
