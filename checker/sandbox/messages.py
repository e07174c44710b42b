"""What the frames say: five messages, each written by one side and read by the other.

Comes in: values, or the payload of a frame.  Goes out: a payload, or values.  Why: both sides import this file, so that a message has one
description. What a child writes is read with bounds on every count and every text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from checker.sandbox.frames import Array, Malformed, Reader, Writer
from checker.sandbox.values import Form, Found, Loaded, Part, Program, Reason, Trouble

#: Characters of a text that a child may send: an exception's words, a formula, a name.
WORDS, FORMULA, NAME = 2_000, 20_000, 200
#: Counts that a child may send: arrays of a result, troubles, formulas of one answer.
ARRAYS, TROUBLES, FORMULAS = 64, 100, 64

_BYTES = 4  # of one character, at most
_REASONS, _FORMS = tuple(Reason), tuple(Form)

#: An upstream gradient: of the only output, or one of each output, None where an output is not floating.
Upstream = Array | Sequence[Array | None]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One question. `verb` is "gradient", "forward", "backward" or "step"; `name` is the exercise's."""

    name: str
    verb: str
    arguments: Mapping[str, Array] = field(default_factory=dict)
    upstream: Upstream | None = None
    batch: Mapping[str, Array] | None = None


def write_load(programs: Sequence[Program], names: Sequence[str]) -> bytes:
    """The code to run and the names to look for."""
    writer = Writer()
    writer.number(len(names))
    for name in names:
        writer.text(name)
    writer.number(len(programs))
    for program in programs:
        writer.text(program.name)
        writer.number(len(program.parts))
        for part in program.parts:
            writer.text(part.label)
            writer.text(part.source)
    return writer.payload()


def read_load(payload: bytes) -> tuple[list[Program], list[str]]:
    """What `write_load` wrote."""
    reader = Reader(payload)
    names = [reader.text() for _ in range(reader.number())]
    programs = [
        Program(name=reader.text(), parts=tuple(Part(label=reader.text(), source=reader.text()) for _ in range(reader.number())))
        for _ in range(reader.number())
    ]
    reader.end()
    return programs, names


def write_loaded(loaded: Loaded) -> bytes:
    """What was found."""
    writer = Writer()
    writer.number(len(loaded.found))
    for name, found in loaded.found.items():
        writer.text(name)
        writer.number(_FORMS.index(found.form))
        formulas = dict(list(found.formulas.items())[:FORMULAS])
        writer.number(len(formulas))
        for argument, formula in formulas.items():
            writer.text(argument[:NAME])
            writer.text(formula[:FORMULA])
    troubles = loaded.troubles[:TROUBLES]
    writer.number(len(troubles))
    for trouble in troubles:
        _put_trouble(writer, trouble)
    writer.number(loaded.imports_torch)
    return writer.payload()


def read_loaded(payload: bytes, names: Sequence[str]) -> Loaded:
    """What `write_loaded` wrote, of `names` alone."""
    reader = Reader(payload)
    found = {}
    for _ in range(reader.number(len(names))):
        name = reader.text(max((_BYTES * len(name) for name in names), default=0))
        form = _FORMS[reader.number(len(_FORMS) - 1)]
        formulas = {reader.text(_BYTES * NAME): reader.text(_BYTES * FORMULA) for _ in range(reader.number(FORMULAS))}
        if name not in names or name in found:
            raise Malformed("a name that was not asked for, or twice")
        found[name] = Found(form=form, formulas=formulas)
    troubles = tuple(_take_trouble(reader) for _ in range(reader.number(TROUBLES)))
    loaded = Loaded(found=found, troubles=troubles, imports_torch=bool(reader.number(1)))
    reader.end()
    return loaded


def write_call(call: Call) -> bytes:
    """A question."""
    writer = Writer()
    writer.text(call.name)
    writer.text(call.verb)
    _put_arrays(writer, list(call.arguments.items()))
    if call.upstream is None or isinstance(call.upstream, Sequence):
        several = list(call.upstream or ())
        writer.number(1 + len(several) if call.upstream is not None else 0)
        for array in several:
            writer.number(array is not None)
            if array is not None:
                writer.array(array)
    else:
        writer.number(_ONE)
        writer.array(call.upstream)
    writer.number(call.batch is not None)
    _put_arrays(writer, list((call.batch or {}).items()))
    return writer.payload()


def read_call(payload: bytes) -> Call:
    """What `write_call` wrote."""
    reader = Reader(payload)
    name, verb, arguments = reader.text(), reader.text(), dict(_take_arrays(reader))
    count = reader.number()
    upstream: Upstream | None = None
    if count == _ONE:
        upstream = reader.array()
    elif count:
        upstream = tuple(reader.array() if reader.number(1) else None for _ in range(count - 1))
    given, batch = reader.number(1), dict(_take_arrays(reader))
    reader.end()
    return Call(name=name, verb=verb, arguments=arguments, upstream=upstream, batch=batch if given else None)


def write_result(result: Sequence[tuple[str, Array]]) -> bytes:
    """Labelled arrays."""
    writer = Writer()
    _put_arrays(writer, result)
    return writer.payload()


def read_result(payload: bytes) -> list[tuple[str, Array]]:
    """What `write_result` wrote."""
    reader = Reader(payload)
    result = _take_arrays(reader, most=ARRAYS, label=_BYTES * NAME)
    reader.end()
    return result


def write_trouble(trouble: Trouble) -> bytes:
    """Why there is no answer."""
    writer = Writer()
    _put_trouble(writer, trouble)
    return writer.payload()


def read_trouble(payload: bytes) -> Trouble:
    """What `write_trouble` wrote."""
    reader = Reader(payload)
    trouble = _take_trouble(reader)
    reader.end()
    return trouble


_ONE = 0xFFFF_FFFF  # in place of a count: the upstream of an only output


def _put_arrays(writer: Writer, arrays: Sequence[tuple[str, Array]]) -> None:
    writer.number(len(arrays))
    for label, array in arrays:
        writer.text(label)
        writer.array(array)


def _take_arrays(reader: Reader, most: int = 1 << 16, label: int = 1 << 16) -> list[tuple[str, Array]]:
    return [(reader.text(label), reader.array()) for _ in range(reader.number(most))]


def _put_trouble(writer: Writer, trouble: Trouble) -> None:
    writer.number(_REASONS.index(trouble.reason))
    writer.text(trouble.text[:WORDS])
    writer.text(trouble.label[:NAME])
    writer.number(0 if trouble.line is None else min(trouble.line, 0xFFFF_FFFF))


def _take_trouble(reader: Reader) -> Trouble:
    reason = _REASONS[reader.number(len(_REASONS) - 1)]
    text, label, line = reader.text(_BYTES * WORDS)[:WORDS], reader.text(_BYTES * NAME), reader.number()
    return Trouble(reason=reason, text=text, label=label, line=line or None)
