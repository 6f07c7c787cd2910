"""A browser, and somebody who sits before it.

The pictures in docs/images are taken by the tests:
PICTURES=docs/images script/test tests/e2e/test_browser_setup.py tests/e2e/test_dashboard.py
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image
from playwright.async_api import ConsoleMessage, Page, ViewportSize, async_playwright, expect

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
    errors: list[str] = []
    async with async_playwright() as playwright:
        program = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await program.new_page(viewport=WINDOW)
            page.on("console", lambda message: errors.extend(_error(message)))
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            await page.goto(house.home.url)
            await page.locator("input[name=username]").fill(USER)
            await page.locator("input[name=password]").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.locator("home-assistant-main").wait_for(state="attached")
            yield page
        finally:
            await program.close()
    assert errors == []


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
