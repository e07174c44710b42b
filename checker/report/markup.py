"""Statements and sources as markup.

Comes in: markdown with mathematics between dollars, Python source.  Goes out: markup that is safe to put on a page.  Why: both are other
people's text. Raw HTML is shown as text, links lead nowhere but to the web, and images are not fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from markupsafe import Markup, escape

from checker.record import SourceRecord
from checker.report.mathematics import mathml


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "html_block", "html_inline"])
    render = lambda content, options: str(mathml(content.strip(), block=options["display_mode"]))  # noqa: E731
    parser.use(dollarmath_plugin, renderer=render, allow_space=True, double_inline=True)
    setattr(parser, "validateLink", lambda address: address.lower().startswith(("https://", "http://", "#")))  # noqa: B010
    return parser


def markdown(text: str) -> Markup:
    """A statement: paragraphs, lists, tables, code, mathematics."""
    return Markup(_parser().render(text))


def phrase(text: str) -> Markup:
    """A title: one line, without a paragraph around it."""
    return Markup(_parser().renderInline(text))


def sentence(text: str) -> Markup:
    """A message: plain text, in which only `code` between backticks is set apart."""
    pieces = re.split(r"`([^`]+)`", text)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(pieces))


@dataclass(frozen=True)
class SourceLine:
    """A line of the source: its number in the file, its highlighted text, and what the checker has to say about it."""

    number: int
    text: Markup
    notes: tuple[tuple[str, str], ...]


@lru_cache(maxsize=256)
def _highlighted(text: str) -> tuple[Markup, ...]:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    lexer = PythonLexer(stripnl=False, ensurenl=False)
    return tuple(Markup(line) for line in highlight(text, lexer, HtmlFormatter(nowrap=True)).rstrip("\n").split("\n"))


def source(record: SourceRecord, notes: Mapping[int, tuple[tuple[str, str], ...]]) -> list[SourceLine]:
    """The lines of a source, numbered as in its file. `notes` gives (kind, text) by line number."""
    return [SourceLine(number, text, notes.get(number, ())) for number, text in enumerate(_highlighted(record.text), start=record.line)]
