"""Ways of differentiating, found by name.

Comes in: the entry points of the group `checker.methods`.  Goes out: methods by name.  Why: the built-in methods enter by the same
door as a plugin's, so that a plugin can do whatever they can.
"""

from __future__ import annotations

import functools
from importlib.metadata import entry_points

from checker.errors import CheckerError
from checker.values import METHODS, Method


@functools.cache
def methods() -> dict[str, Method]:
    """Every installed method by name, in the order in which they run.

    Raises:
        CheckerError: a plugin's entry point cannot be loaded, or nothing is installed at all.
    """
    found: dict[str, Method] = {}
    for entry in entry_points(group="checker.methods"):
        try:
            found[entry.name] = entry.load()()
        except Exception as error:  # a plugin may fail in any way
            raise CheckerError(f"the method {entry.name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}") from error
    if not found:
        raise CheckerError(
            "no methods are installed: install the package (`pip install -e .` in a checkout) so that its entry points exist."
        )
    ranks = {name: rank for rank, name in enumerate(METHODS)}
    return {name: found[name] for name in sorted(found, key=lambda name: (ranks.get(name, len(ranks)), name))}


def names() -> tuple[str, ...]:
    """Names of every installed method, without loading any."""
    installed = {entry.name for entry in entry_points(group="checker.methods")}
    return (*(name for name in METHODS if name in installed), *sorted(installed - set(METHODS)))
