"""Keeping what is loaded from the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from checker.garbage import OBJECTS, frozen, loading, seldom


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_looked_through_while_loading_nor_what_was_loaded_afterwards() -> None:
    with loading():
        assert not gc.isenabled()
        loaded = [[]]
    assert gc.isenabled()
    assert not any(found is loaded for found in gc.get_objects())


def test_loading_within_loading_leaves_the_collector_off() -> None:
    with loading():
        with loading():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_loading_that_fails_turns_the_collector_on_again() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_what_was_there_is_frozen_for_a_while() -> None:
    there = [[]]
    with frozen():
        made = [[]]
        known = gc.get_objects()
        assert any(found is made for found in known)
        assert not any(found is there for found in known)
    assert any(found is there for found in gc.get_objects())


def test_garbage_made_after_loading_is_collected() -> None:
    class Garbage:
        pass

    with loading():
        pass
    for _ in range(3):
        cycle = Garbage()
        cycle.itself = cycle  # type: ignore[attr-defined]
    del cycle
    gc.collect()
    assert not any(isinstance(found, Garbage) for found in gc.get_objects())


@pytest.mark.parametrize(("first", "meanwhile"), [(700, OBJECTS), (0, 0), (10 * OBJECTS, 10 * OBJECTS)])
def test_garbage_is_looked_for_seldom_for_a_while(first: int, meanwhile: int) -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(first, 10, 10)
        with seldom():
            assert gc.get_threshold()[0] == meanwhile
        assert gc.get_threshold() == (first, 10, 10)
    finally:
        gc.set_threshold(*before)
