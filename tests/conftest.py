"""Fixtures for all tests."""

import asyncio

import pytest

# Imported before the test plugin puts a package of the same name on the path, which would hide ours.
import custom_components.rtvoice  # noqa: F401 - for what it does


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Replaces the test plugin's: a future does not note the stack it was made in, which took a third of all time.

    The loop still refuses what another thread does to it, and tells of what holds it up.
    """
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.get_debug = lambda: False  # type: ignore[method-assign] - futures ask by this, the loop itself does not
