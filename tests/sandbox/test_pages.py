"""Memory is moved into huge pages without a change."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Prints the KiB in huge pages before and after, in a process of its own: what is collapsed stays so.
_PROGRAM = """
import hashlib
from checker.sandbox import pages

def huge():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("AnonHugePages"))

objects = [bytes([n % 251]) * 100_000 for n in range(400)]
whole = hashlib.sha256(b"".join(objects)).hexdigest()
before = huge()
pages.collapse()
assert hashlib.sha256(b"".join(objects)).hexdigest() == whole
print(before, huge())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="huge pages are asked for as Linux has them")
def test_objects_move_into_huge_pages_and_stay_what_they_are() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    before, after = map(int, done.stdout.split())
    if after == before:
        pytest.skip("this kernel does not collapse memory into huge pages (Linux 6.1 and later do)")
    assert after - before >= 20 << 10  # of 40 MB of objects
