"""A browser, and somebody who sits before it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from demo.home_assistant import PASSWORD, USER

from .house import House

PATIENCE_MS = 30_000


@asynccontextmanager
async def browser(house: House, chromium: str) -> AsyncIterator[Page]:
    """A page of a browser that somebody has logged in with."""
    async with async_playwright() as playwright:
        program = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            page = await program.new_page(viewport={"width": 1280, "height": 860})
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


async def picture(page: Page, house: House, name: str) -> None:
    """Take a picture when nothing moves any more; to look at, in the house's folder or where PICTURES says."""
    folder = Path(os.environ.get("PICTURES", house.folder))
    await page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => 0)))")
    await page.wait_for_timeout(500)
    await page.screenshot(path=folder / f"{name}.png")
