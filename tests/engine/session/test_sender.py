"""Commands go out in order, and a link that breaks under them is told of once."""

import asyncio

import pytest

from custom_components.rtvoice.engine.conversation.effects import CancelResponse, CommitInput, ModelCommand, OpenInput
from custom_components.rtvoice.engine.errors import ConnectionLostError
from custom_components.rtvoice.engine.session.sender import Sender


class Slow:
    """A connection that takes commands when the test says so."""

    def __init__(self) -> None:
        self.sent: list[ModelCommand] = []
        self.free = asyncio.Event()
        self.broken = False

    async def send(self, command: ModelCommand) -> None:
        await self.free.wait()
        if self.broken:
            raise ConnectionLostError("gone")
        self.sent.append(command)


async def nothing() -> None:
    pass


def new_sender() -> Sender:
    return Sender(nothing, lambda: None)


async def test_what_the_connection_takes_at_once_is_sent_in_the_step_in_which_it_was_put() -> None:
    connection, sender = Slow(), new_sender()
    connection.free.set()
    running = asyncio.create_task(sender.run(connection))
    await asyncio.sleep(0)
    sender.put(CommitInput())
    sender.put(CancelResponse())
    assert connection.sent == [CommitInput(), CancelResponse()]
    running.cancel()


async def test_commands_wait_in_order_for_a_slow_connection() -> None:
    connection, sender = Slow(), new_sender()
    sender.put(CommitInput())
    running = asyncio.create_task(sender.run(connection))
    await asyncio.sleep(0)
    sender.put(OpenInput())
    sender.put(CancelResponse())
    opened = asyncio.create_task(sender.input_open())
    await asyncio.sleep(0.01)
    assert (connection.sent, opened.done()) == ([], False)
    connection.free.set()
    await opened
    await asyncio.sleep(0.01)
    assert connection.sent == [CommitInput(), CancelResponse()]
    running.cancel()


async def test_a_connection_that_breaks_ends_it_and_nothing_more_is_sent() -> None:
    connection, sender = Slow(), new_sender()
    running = asyncio.create_task(sender.run(connection))
    await asyncio.sleep(0)
    sender.put(CommitInput())
    connection.broken = True
    connection.free.set()
    with pytest.raises(ConnectionLostError):
        await running
    sender.put(CancelResponse())
    assert connection.sent == []


@pytest.mark.parametrize("steps", range(5))
async def test_a_connection_that_breaks_while_it_is_given_up_is_no_surprise(steps: int) -> None:
    surprises: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: surprises.append(context))
    connection, sender = Slow(), new_sender()
    running = asyncio.create_task(sender.run(connection))
    await asyncio.sleep(0)
    sender.put(CommitInput())
    await asyncio.sleep(0)
    connection.broken = True
    connection.free.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert surprises == []
