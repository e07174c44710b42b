"""Which argument goes where, when a student's function is called.

Comes in: a function, inputs by name, the upstream gradient.  Goes out: what the function returns.  Why: students name and order their
parameters as they like, and what they mean can be read from their names, or else from their order.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

#: What students call the upstream gradient.
UPSTREAM = frozenset({"upstream", "dout", "dy", "grad_output"})
_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def call_with(function: Callable[..., Any], arguments: dict[str, Any], upstream: Any = None, upstream_first: bool = False) -> Any:
    """Call by name where every parameter is the name of an input or of the upstream gradient, or where all that is given has a parameter
    of its name and only defaults are left; otherwise by position.

    A function that has no place for the upstream gradient is called without it: what it returns is judged.
    """
    values, last = list(arguments.values()), [] if upstream is None else [upstream]
    placed = last + values if upstream_first else values + last
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function(*placed)  # it is not written in Python
    by_name = _by_name(signature, arguments, upstream)
    if by_name is not None:
        bound = signature.bind(**by_name)
        return function(*bound.args, **bound.kwargs)
    try:
        signature.bind(*placed)
    except TypeError:
        placed = values
    return function(*placed)


def _by_name(signature: inspect.Signature, arguments: dict[str, Any], upstream: Any) -> dict[str, Any] | None:
    """What to give to each parameter, where their names say it: all of them, or all that must be given, with nothing left over."""
    parameters = list(signature.parameters.values())
    rest = bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD
    named = parameters[:-1] if rest else parameters
    if not parameters or any(one.kind not in _BY_NAME for one in named):
        return None
    known = arguments | dict.fromkeys(UPSTREAM - set(arguments) if upstream is not None else (), upstream)
    given = {one.name: known[one.name] for one in named if one.name in known}
    left = {name: value for name, value in arguments.items() if name not in given}
    if upstream is not None and not UPSTREAM & given.keys():
        left["upstream"] = upstream
    if len(given) < len(named) and ((left and not rest) or any(one.name not in given and one.default is one.empty for one in named)):
        return None
    return given | left if rest else given
