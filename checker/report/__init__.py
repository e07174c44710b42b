"""From records to a folder of static pages.

Comes in: record documents.  Goes out: a report folder.  Why: whoever reads a report needs neither Python nor a network, and any report
can be made again from its record without running anything.
"""

from __future__ import annotations

from checker.report.render import render

__all__ = ["render"]
