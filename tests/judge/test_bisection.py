"""The search for wrong entries, where slopes along parts are known exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.judge.bisection import NAMED, Search, split
from checker.methods.parts import Part
from checker.values import Array

ALLOWED = 1e-9


def search(true: Array, got: Array, *, allowed: float = ALLOWED) -> Search:
    generator = np.random.default_rng(0)
    u = generator.choice([-1.0, 1.0], true.size) * generator.uniform(0.5, 1.0, true.size)

    def measure(parts: Sequence[Part]) -> tuple[Array, Array]:
        return np.array([u[p.start : p.stop] @ true[p.start : p.stop] for p in parts]), np.full(len(parts), allowed)

    return Search({"x": got}, {"x": torch.from_numpy(u)}, measure)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3000), st.data())
def test_up_to_three_wrong_entries_are_found_wherever_they_are(size: int, data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=NAMED))
    true = np.random.default_rng(size).normal(size=size)
    got = true.copy()
    for place in places:
        got[place] += data.draw(st.sampled_from([-1.0, 1.0])) * data.draw(st.floats(1e-6, 1e6))
    found = search(true, got).entries("x")
    assert {entry.place for entry in found.entries} == places
    for entry in found.entries:
        assert entry.got == got[entry.place]
        assert entry.expected == pytest.approx(true[entry.place], abs=1e-12)
    assert not found.more


def test_one_entry_among_a_million_takes_few_directions() -> None:
    true = np.ones(10**6)
    got = true.copy()
    got[123_456] = -1.0
    asked = search(true, got)
    (entry,) = asked.entries("x").entries
    assert entry.place == 123_456
    assert asked.directions <= 4 * np.log(10**6) / np.log(4) + 4  # four quarters a round, and a few to begin and to end with


def test_a_right_gradient_has_no_wrong_entry() -> None:
    true = np.linspace(-1, 1, 100)
    asked = search(true, true)
    assert asked.arguments()["x"][0] < ALLOWED
    assert asked.entries("x").entries == []


def test_entries_that_are_only_wrong_together_are_told_as_a_part() -> None:
    true = np.zeros(1000)
    asked = search(true, true + 0.9 * np.sign(search(true, true).u["x"].numpy()), allowed=1.0)
    found = asked.entries("x")
    assert found.entries == []
    (part,) = found.more
    assert 1 < part.size < 1000


def test_where_many_are_wrong_the_parts_that_are_stand_beside_those_named() -> None:
    true = np.ones(1600)
    got = true.copy()
    got[:800] = 2.0
    found = search(true, got).entries("x")
    assert len(found.entries) == NAMED
    assert found.shares == 16
    assert [(part.start, part.stop) for part in found.more] == [(100 * k, 100 * k + 100) for k in range(8)]


@given(st.integers(0, 10**7), st.integers(1, 10**7), st.integers(1, 20))
def test_parts_cover_what_is_split(start: int, size: int, count: int) -> None:
    parts = split(Part("x", start, start + size), count)
    assert [part.start for part in parts] == [start, *(part.stop for part in parts[:-1])]
    assert parts[-1].stop == start + size
    assert len(parts) == min(count, size)
    assert min(part.size for part in parts) >= 1
