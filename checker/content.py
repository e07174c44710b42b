"""Where the content lies that is not code: the built-in exercises and the report's templates.

Comes in: nothing.  Goes out: two folders.  Why: a checkout has them beside the package, a wheel inside it, and one function knows both.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def exercises_folder() -> Path:
    """The built-in catalogue of exercises."""
    return _folder("exercises")


def templates_folder() -> Path:
    """The report's templates, style sheets and translations."""
    return _folder("reports")


def _folder(name: str) -> Path:
    """`name` inside the package, where a wheel puts it, or else beside the package, as in a checkout."""
    inside = _PACKAGE / "_content" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
