"""Numbers on pages: short, exact where asked, and the right part of a large array."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.record import Numbers
from checker.report.numerals import counted, duration, entry, exact, figures, grid, ulps


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (12.0, "12"),
        (-0.0625, "−0.0625"),
        (2.8284271247461903, "2.82843"),
        (1e-13, "10⁻¹³"),
        (-1.5e-13, "−1.5×10⁻¹³"),
        (123456789.0, "1.23457×10⁸"),
        ("nan", "NaN"),
        ("inf", "∞"),
        ("-inf", "−∞"),
    ],
)
def test_figures(value, text):
    assert figures(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_loses_nothing(value):
    assert float(exact(value).replace("−", "-")) == value


@given(st.floats(min_value=1e-300, max_value=1e300), st.integers(2, 6))
def test_figures_are_within_half_of_their_last_digit(value, digits):
    mantissa, _, power = figures(value, digits).partition("×10")
    if mantissa.startswith("10") and set(mantissa) & set("⁻⁰¹²³⁴⁵⁶⁷⁸⁹"):
        mantissa, power = "1", mantissa[2:]
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
    assert float(f"{mantissa}e{exponent}") == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.04, "<0.1"), (0.5, "0.5"), (9.96, "10"), (123.4, "123"), (3e5, "3×10⁵"), ("nan", "NaN")]
)
def test_ulps(value, text):
    assert ulps(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(3.4e-4, "340 µs"), (0.0123, "12.3 ms"), (4.25, "4.25 s"), (200.0, "3 min 20 s")])
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_words():
    assert [counted(n, "entry", "entries") for n in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]
    assert [entry("x", at) for at in ((), (3,), (1, 2))] == ["x", "x[3]", "x[1, 2]"]


def texts(shown):
    return [[entry.text for entry in row] for row in shown.rows]


def test_a_vector_and_a_scalar_are_one_row():
    assert texts(grid(Numbers.of(np.arange(4.0)))) == [["0", "1", "2", "3"]]
    assert texts(grid(Numbers.of(np.array(2.5)))) == [["2.5"]]


def test_a_matrix_keeps_its_rows_and_marks_an_entry():
    shown = grid(Numbers.of(np.arange(6.0).reshape(2, 3)), (1, 2))
    assert texts(shown) == [["0", "1", "2"], ["3", "4", "5"]]
    assert [e.text for row in shown.rows for e in row if e.marked] == ["5"]
    assert shown.more == ""


def test_of_a_large_array_the_part_around_the_entry_is_shown():
    matrix = grid(Numbers.of(np.arange(480.0).reshape(24, 20)), (7, 11), (7, 11))
    assert texts(matrix) == [[str(20 * r + c) for c in range(9, 13)] for r in range(5, 9)]
    assert [e.text for row in matrix.rows for e in row if e.marked] == [str(7 * 20 + 11)]
    assert matrix.more == "rows 5 to 8, columns 9 to 12 of 24×20"
    vector = grid(Numbers.of(np.arange(100.0)), None, (99,))
    assert texts(vector) == [[str(v) for v in range(92, 100)]]
    assert vector.more == "entries 92 to 99 of 100"


def test_entries_that_the_record_left_out_are_not_invented():
    shown = grid(Numbers.of(np.arange(90_000.0).reshape(300, 300)), None, (299, 299))
    assert texts(shown) == [["0", "1", "2", "3"], ["300", "301", "302", "303"]], "the record holds 512 entries"
    assert shown.more == "rows 0 to 1, columns 0 to 3 of 300×300"


def test_pairs_are_complex_numbers():
    shown = grid(Numbers.of(np.array([[1.5, -2.0], [0.0, np.inf]])), (1, 1), pairs=True)
    assert texts(shown) == [["1.5−2i", "0+∞i"]]
    assert [e.marked for e in shown.rows[0]] == [False, True]
    assert shown.more == ""
    assert grid(Numbers.of(np.zeros((2, 3, 2))), pairs=True).more == "", "a matrix"
    assert [entry("z", at, pairs=True) for at in ((0,), (3, 1), (1, 2, 0))] == ["z.real", "z[3].imag", "z[1, 2].real"]


def test_empty_and_deep_arrays_say_their_shape():
    assert grid(Numbers.of(np.zeros((0, 3)))).more == "empty, of shape 0×3"
    assert grid(Numbers.of(np.zeros((1, 2, 2)))).more == "of shape 1×2×2"


def test_a_matrix_with_long_rows_is_broad() -> None:
    def shown(value: float, *shape: int) -> bool:
        return grid(Numbers(shape=shape, values=[value] * math.prod(shape), omitted=0, norm=0.0)).broad

    assert shown(-1.26416e-5, 6, 6)
    assert not shown(-1.26416e-5, 3, 3)
    assert not shown(2.0, 6, 6)
    assert not shown(-1.26416e-5, 36)  # a vector flows
