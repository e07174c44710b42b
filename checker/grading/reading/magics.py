r"""What only IPython understands, set aside.

Comes in: the source of a notebook's cell.  Goes out: source with as many lines, in which magics, shell lines and questions are `pass`.
Why: the rest of the cell is Python, and an error's line must be the line that the student sees.

A line is looked at only where a statement can begin: not inside brackets or a text of several lines, nor after a backslash. So much of
Python's grammar is read here, by a scanner that no text can confuse for longer than the text itself.
"""

from __future__ import annotations

import re

#: Cell magics whose cell is Python that runs here. `%%bash`, `%%html` and all others set their cell aside.
TRANSPARENT = frozenset({"time", "timeit", "capture", "prun"})

_CELL = re.compile(r"%%(?P<name>\w+)")
_BEFORE = r"^(?P<before>[ \t]*+(?:[\w.,][\w., \t]*+=[ \t]*+(?=[%!]))?)"
#: `%time y = f(x)` runs the rest of its line, here too.
_TIMED = re.compile(_BEFORE + r"%time[ \t]++(?=[^\s-])")
_ASIDE = re.compile(
    _BEFORE + r"(?:%[ \t]*+[A-Za-z]|!|\?++[\w%*]|(?:pip3?|conda|mamba)[ \t]++install\b|%{0,2}[\w.*]++\?{1,2}[ \t]*+;?[ \t]*+$)"
)
_PROMPT = re.compile(r"^[ \t]*+(?:>>> |\.\.\. |In \[\d+\]: )")
_TOKEN = re.compile(r"""(?P<comment>\#.*)|(?P<quote>\"{3}|'{3}|["'])|(?P<open>[(\[{])|(?P<close>[)\]}])""")
#: What is left of a text, by the quotes that end it.
_REST = {
    '"': re.compile(r'(?:[^\\"]|\\.)*+"'),
    "'": re.compile(r"(?:[^\\']|\\.)*+'"),
    '"""': re.compile(r'(?:[^\\"]|\\.|"(?!""))*+"""'),
    "'''": re.compile(r"(?:[^\\']|\\.|'(?!''))*+'''"),
}


def set_aside(source: str) -> str:
    """`source` as Python: line by line the same, but for what only IPython understands."""
    lines = _dedented(source.split("\n"))
    first = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if cell := _CELL.match(lines[first]):
        if cell["name"] not in TRANSPARENT:
            return ""
        lines[first] = ""
    scanner = _Scanner()
    aside = False  # the line before was set aside, and goes on
    for n, line in enumerate(lines):
        magic = None
        if scanner.statement and not aside:
            line = lines[n] = _TIMED.sub(r"\g<before>", line)
            magic = _ASIDE.match(line)
        if magic or aside:
            lines[n] = _nothing(magic["before"]) if magic else ""
            aside = line.rstrip().endswith("\\")
        else:
            scanner.read(line)
    return "\n".join(lines)


def _nothing(before: str) -> str:
    """What stands for a line that is set aside, with its indentation: nothing is done, or a name is given nothing."""
    return f"{before}None" if before.strip() else f"{before}pass"


def _dedented(lines: list[str]) -> list[str]:
    """Without prompts that were copied, or the first line's indentation, as IPython takes a cell."""
    first = next((line for line in lines if line.strip()), "")
    if _PROMPT.match(first):
        return [_PROMPT.sub("", line) for line in lines]
    indentation = first[: len(first) - len(first.lstrip(" \t"))]
    return [line.removeprefix(indentation) for line in lines] if indentation else lines


class _Scanner:
    """Whether a statement can begin in the next line, from the lines so far."""

    def __init__(self) -> None:
        self.depth = 0  #: open brackets
        self.quote = ""  #: of a text that goes on
        self.continued = False  #: the line before ends in a backslash

    @property
    def statement(self) -> bool:
        return not (self.depth or self.quote or self.continued)

    def read(self, line: str) -> None:
        place = self._past_text(line, 0) if self.quote else 0
        self.continued = False
        while place < len(line) and (token := _TOKEN.search(line, place)):
            place = token.end()
            if token["comment"]:
                return
            if token["quote"]:
                self.quote = token["quote"]
                place = self._past_text(line, place)
            else:
                self.depth = max(0, self.depth + (1 if token["open"] else -1))
        self.continued = not self.quote and line.endswith("\\")

    def _past_text(self, line: str, place: int) -> int:
        """Where the text in `quote` ends; the end of the line where it goes on, for which a text in single quotes needs a backslash."""
        if end := _REST[self.quote].match(line, place):
            self.quote = ""
            return end.end()
        if len(self.quote) == 1 and not line.endswith("\\"):
            self.quote = ""
        return len(line)
