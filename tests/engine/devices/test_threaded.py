"""What was opened is closed, whatever happens in between."""

import asyncio
import threading

import pytest

from custom_components.rtvoice.engine.devices.threaded import AbandonedError, ThreadedResource


class Workshop:
    """Makes numbered things, slowly if the test holds it."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.disposed: list[int] = []
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def make(self) -> int:
        self.begun.set()
        assert self.go.wait(30)
        self.made.append(len(self.made))
        return self.made[-1]

    def dispose(self, thing: int) -> None:
        assert self.go.wait(30)
        self.disposed.append(thing)

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 30)


@pytest.fixture
def workshop() -> Workshop:
    return Workshop()


@pytest.fixture
def resource(workshop: Workshop) -> ThreadedResource[int]:
    return ThreadedResource(workshop.make, workshop.dispose)


async def test_open_and_close(workshop: Workshop, resource: ThreadedResource[int]) -> None:
    assert resource.current is None
    assert await resource.open() == 0
    assert resource.current == 0
    await resource.close()
    await resource.close()
    assert resource.current is None
    assert workshop.disposed == [0]


async def test_opening_again_closes_the_first(workshop: Workshop, resource: ThreadedResource[int]) -> None:
    await resource.open()
    assert await resource.open() == 1
    assert workshop.disposed == [0]


async def test_failure_leaves_nothing() -> None:
    def fail() -> int:
        raise OSError("broken")

    resource = ThreadedResource(fail, lambda _: None)
    with pytest.raises(OSError, match="broken"):
        await resource.open()
    assert resource.current is None
    await resource.close()


async def test_closed_while_opening(workshop: Workshop, resource: ThreadedResource[int]) -> None:
    workshop.go.clear()
    opening = asyncio.create_task(resource.open())
    await workshop.has_begun()
    closing = asyncio.create_task(resource.close())
    await asyncio.sleep(0)
    workshop.go.set()
    await closing
    with pytest.raises(AbandonedError):
        await opening
    assert resource.current is None
    assert workshop.made == workshop.disposed == [0]


async def test_closed_before_the_thread_began(workshop: Workshop, resource: ThreadedResource[int]) -> None:
    late_ticket = object()
    await resource.close()
    with pytest.raises(AbandonedError):
        resource._open(late_ticket)
    assert workshop.made == []


async def test_closed_between_opening_and_its_notice(workshop: Workshop, resource: ThreadedResource[int]) -> None:
    workshop.go.clear()
    opening = asyncio.create_task(resource.open())
    await workshop.has_begun()
    workshop.go.set()
    # The loop is kept from noticing that the thread is done.
    while resource._mutex.locked():
        pass
    await resource.close()
    with pytest.raises(AbandonedError):
        await opening
    assert workshop.made == workshop.disposed == [0]


async def test_cancelled_opening_leaves_nothing_open(workshop: Workshop, resource: ThreadedResource[int]) -> None:
    workshop.go.clear()
    opening = asyncio.create_task(resource.open())
    await workshop.has_begun()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert resource.current is None
    workshop.go.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert workshop.made == workshop.disposed == [0]


async def test_cancelled_closing_still_closes(workshop: Workshop, resource: ThreadedResource[int]) -> None:
    await resource.open()
    workshop.go.clear()
    closing = asyncio.create_task(resource.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    workshop.go.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert workshop.disposed == [0]
