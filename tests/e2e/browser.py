"""A browser, and somebody who sits before it.

The pictures in docs/images are taken by the tests:
PICTURES=docs/images script/test tests/e2e/test_browser_setup.py tests/e2e/test_dashboard.py tests/e2e/test_card.py
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, async_playwright, expect

from demo.home_assistant import PASSWORD, USER

from .house import House

PATIENCE_MS = 30_000
WINDOW: ViewportSize = {"width": 1280, "height": 860}
BRANDS = "/api/brands/"
"""Where pictures of integrations come from; those of others than ours from the internet, which is not there."""
KEY = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
"""How the name of a text looks that is shown because the text itself is missing."""


@asynccontextmanager
async def browser(house: House, chromium: str) -> AsyncIterator[Page]:
    """A page of a browser that somebody has logged in with; in the end its console has told of no error."""
    async with running_browser(chromium) as program, logged_in(program, house) as context:
        yield context.pages[0]


@asynccontextmanager
async def running_browser(
    chromium: str, *options: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Browser]:
    """The program; with an environment, which says where its speaker is, it can be heard."""
    async with async_playwright() as playwright:
        program = await playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", *options],
            env=None if environment is None else {**os.environ, **environment},
            ignore_default_args=None if environment is None else ["--mute-audio"],
        )
        try:
            yield program
        finally:
            await program.close()


@asynccontextmanager
async def logged_in(
    program: Browser, house: House, *, user: str = USER, password: str = PASSWORD
) -> AsyncIterator[BrowserContext]:
    """Windows of a user, one of which is open; in the end the console has told of no error in any."""
    errors: list[str] = []
    context = await program.new_context(viewport=WINDOW)
    try:
        context.on("console", lambda message: errors.extend(_error(message)))
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page = await context.new_page()
        await page.goto(house.home.url)
        await page.locator("input[name=username]").fill(user)
        await page.locator("input[name=password]").fill(password)
        await page.keyboard.press("Enter")
        await page.locator("home-assistant-main").wait_for(state="attached")
        yield context
    finally:
        await context.close()
    assert errors == []


async def visit(page: Page, address: str) -> None:
    """Load a page of the house, once no dialog of the one before is left.

    A dialog that has closed steps back in the history, and that would break off a navigation under way.
    """
    await page.wait_for_function("!history.state?.dialog")
    await page.goto(address)


async def picture(page: Page, name: str, *, height: int = WINDOW["height"]) -> None:
    """Take a picture when nothing moves any more, where PICTURES says; else none is taken."""
    folder = os.environ.get("PICTURES")
    if not folder:
        return
    path = Path(folder) / f"{name}.png"
    await page.set_viewport_size({**WINDOW, "height": height})
    await page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => 0)))")
    await page.wait_for_timeout(500)
    await page.screenshot(path=path)
    await page.set_viewport_size(WINDOW)
    await asyncio.to_thread(_shrink, path)


async def shown_keys(page: Page) -> set[str]:
    """What is shown in the open dialog where a text is missing, and all else that looks like it."""
    return set(KEY.findall(await page.get_by_role("dialog").aria_snapshot()))


def _error(message: ConsoleMessage) -> list[str]:
    address = str(message.location["url"])
    is_foreign = BRANDS in address and "rtvoice" not in address
    return [f"{message.text} {address}"] if message.type == "error" and not is_foreign else []


def _shrink(path: Path) -> None:
    """Few colours are enough for what a screen shows."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(128)
    small.save(path, optimize=True)
