"""What every test shares: one thread, so that times and results do not depend on the machine's load; the sandbox, where there is one."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def sandbox() -> None:
    """Skip where the sandbox cannot be had, with the reason."""
    from checker.sandbox.box import Box
    from checker.sandbox.wall import SandboxUnavailable

    try:
        with Box("numpy"):
            pass
    except SandboxUnavailable as error:
        pytest.skip(str(error))
