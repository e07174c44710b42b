"""State that a function keeps between its calls.

Comes in: a function.  Goes out: a `State`: what the function can reach and change, and a way to put it back.  Why: a function is called
many times at one point, and a counter or a running mean makes each call another function. Put back before each call, it is one function
again.

Reached are the variables of its closure and the globals that it names, what Python functions among them reach, and of modules and other
objects their attributes. Lists and dicts are kept with their elements as they are. Generators of random numbers are put back too, those of
Python and NumPy and any that is reached, so that every call has the same draws; torch's own is seeded before each call as it is.
"""

from __future__ import annotations

import ctypes
import inspect
import pickle
import random
from collections.abc import Callable, Iterator, MutableMapping
from types import CellType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

#: Values that cannot change: a variable that holds one changes by holding another.
PLAIN = (int, float, complex, str, bytes, tuple, type(None))

#: Generators of random numbers, and those that Python and NumPy keep for all.
GENERATORS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)
COMMON = {"Python's random": random, "numpy.random": np.random}

#: Bytes of the state of a Mersenne twister: 624 words, and how many are used up.
TWISTER = 625 * 4

#: A variable: its name for people, where it lies, and under which name there.
Place = tuple[str, MutableMapping[str, Any], str]


def common_draws() -> tuple[Any, ...]:
    """What the generators that Python and NumPy keep for all will draw: the same as long as nobody draws from them.

    That of NumPy is read where it lies: to be handed its state takes longer than most functions.
    """
    common = np.random.get_bit_generator()  # type: ignore[attr-defined]
    twister = isinstance(common, np.random.MT19937)
    return random.getstate(), ctypes.string_at(common.ctypes.state_address, TWISTER) if twister else pickle.dumps(common.state)


class State:
    """What `function` can reach, as it is when this is made."""

    def __init__(self, function: Callable[..., Any]) -> None:
        common = _Generators(COMMON)
        places = [*((name, common, name) for name in common), *_of_function(function, set())]
        self._kept = [(place, value, _copy(value)) for place in places for value in [place[1][place[2]]]]

    def put_back(self) -> None:
        """Make everything what it was."""
        for (_, where, name), value, kept in self._kept:
            if _same(where[name], kept):
                continue
            where[name] = value  # another object may lie there by now: a longer tensor, a list in place of None
            if _same(value, kept):
                continue
            if isinstance(value, torch.Tensor):
                with torch.no_grad():
                    value.copy_(kept)
            elif isinstance(value, list):
                value[:] = kept
            else:
                value.clear()
                value.update(kept)

    def changed(self) -> list[str]:
        """The names of what is no longer as it was, but for generators."""
        return self._names(lambda where: not isinstance(where, _Generators))

    def drawn_from(self) -> list[str]:
        """The names of the generators that were drawn from."""
        return self._names(lambda where: isinstance(where, _Generators))

    def _names(self, among: Callable[[object], bool]) -> list[str]:
        found = (shown for (shown, where, name), _, kept in self._kept if among(where) and not _same(where[name], kept))
        return list(dict.fromkeys(found))


class _Cells(dict[str, CellType]):
    """The variables of a closure, by name, as if they lay in a dict."""

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name).cell_contents

    def __setitem__(self, name: str, value: Any) -> None:
        super().__getitem__(name).cell_contents = value


class _Generators(dict[str, Any]):
    """Generators by name, as if what each will draw lay in a dict, in bytes."""

    def __getitem__(self, name: str) -> bytes:
        generator = super().__getitem__(name)
        if isinstance(generator, torch.Generator):
            return bytes(generator.get_state().numpy())
        if isinstance(generator, np.random.Generator):
            return pickle.dumps(generator.bit_generator.state)
        return pickle.dumps(generator.getstate() if hasattr(generator, "getstate") else generator.get_state())

    def __setitem__(self, name: str, state: bytes) -> None:
        generator = super().__getitem__(name)
        if isinstance(generator, torch.Generator):
            generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
        elif isinstance(generator, np.random.Generator):
            generator.bit_generator.state = pickle.loads(state)
        else:
            (generator.setstate if hasattr(generator, "setstate") else generator.set_state)(pickle.loads(state))


def _of_function(function: Any, seen: set[int]) -> Iterator[Place]:
    if inspect.ismethod(function):
        yield from _of_value("self", function.__self__, seen)
        function = function.__func__
    elif not isinstance(function, FunctionType):
        yield from _of_value(type(function).__name__, function, seen)
        return
    if id(function) in seen:
        return
    seen.add(id(function))
    cells = _Cells(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    found = inspect.getclosurevars(function)
    for names, where in ((found.nonlocals, cells), (found.globals, function.__globals__)):
        for name in names:
            yield from _of_variable(name, where, name, seen)


def _of_variable(shown: str, where: MutableMapping[str, Any], name: str, seen: set[int]) -> Iterator[Place]:
    if isinstance(where[name], (*PLAIN, torch.Tensor, list, dict)):
        yield shown, where, name
    else:
        yield from _of_value(shown, where[name], seen)


def _of_value(shown: str, value: Any, seen: set[int]) -> Iterator[Place]:
    """What may change inside an object that stays the same."""
    if isinstance(value, GENERATORS):
        yield shown, _Generators({shown: value}), shown
        return
    if isinstance(value, FunctionType) or inspect.ismethod(value):
        yield from _of_function(value, seen)
        return
    if id(value) in seen or isinstance(value, type | ModuleType) or type(value).__module__.startswith(("numpy", "builtins")):
        return
    seen.add(id(value))
    if isinstance(value, torch.nn.Module):
        for name in value._buffers:
            yield from _of_variable(f"{shown}.{name}", value._buffers, name, seen)
        for name, child in value._modules.items():
            yield from _of_value(f"{shown}.{name}", child, seen)
    for name in [name for name in getattr(value, "__dict__", ()) if not name.startswith("_")]:
        yield from _of_variable(f"{shown}.{name}", vars(value), name, seen)


def _copy(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else value.copy() if isinstance(value, list | dict) else value


def _same(now: Any, kept: Any) -> bool:
    if isinstance(now, torch.Tensor) or isinstance(kept, torch.Tensor):
        if not (isinstance(now, torch.Tensor) and isinstance(kept, torch.Tensor)) or (now.shape, now.dtype) != (kept.shape, kept.dtype):
            return False
        now = now.detach()
        return torch.equal(now, kept) or bool(((now == kept) | (now.isnan() & kept.isnan())).all())
    if isinstance(now, list) and isinstance(kept, list):
        return len(now) == len(kept) and all(map(_is, now, kept))
    if isinstance(now, dict) and isinstance(kept, dict):
        return now.keys() == kept.keys() and all(_is(now[key], kept[key]) for key in kept)
    return _is(now, kept)


def _is(now: Any, kept: Any) -> bool:
    if isinstance(now, tuple) and isinstance(kept, tuple):
        return len(now) == len(kept) and all(map(_is, now, kept))
    return now is kept or (isinstance(now, PLAIN) and isinstance(kept, PLAIN) and now == kept)
