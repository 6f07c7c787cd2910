"""Adding the integration as a person does: by clicks, in a browser."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright, expect

from demo.home_assistant import PASSWORD, USER

from .conftest import OpenHouse, need
from .house import API_KEY, House

PATIENCE_MS = 30_000


async def test_a_wrong_key_is_refused_and_the_right_one_accepted(own_house: OpenHouse, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    need(chromium, "Chromium")
    async with own_house(account=False) as house, browser(house, chromium or "") as page:
        await page.goto(f"{house.home.url}/config/integrations/dashboard")
        await page.get_by_text("Add integration").first.click()
        search = page.locator("dialog-add-integration input").first
        await search.fill("Realtime Voice")
        await page.locator("dialog-add-integration").get_by_text("Realtime Voice", exact=True).first.click()
        dialog = page.locator("dialog-data-entry-flow")
        await expect(dialog.get_by_text("OpenAI", exact=True)).to_be_visible()
        await picture(page, tmp_path / "add-1-provider.png")
        await dialog.get_by_text("server", exact=False).first.click()

        fields = dialog.locator("step-flow-form input")
        await fields.nth(0).fill(house.simulator.base_url)
        await fields.nth(1).fill("wrong-key")
        await dialog.get_by_role("button", name="Submit").click()
        await expect(dialog.locator("ha-alert[alert-type=error]")).to_be_visible()
        await picture(page, tmp_path / "add-2-wrong-key.png")
        assert await house.api.call("config_entries/get", domain="rtvoice") == []

        await fields.nth(1).fill(API_KEY)
        await dialog.get_by_role("button", name="Submit").click()
        await expect(dialog.locator("step-flow-create-entry")).to_be_visible()
        await picture(page, tmp_path / "add-3-created.png")
        (entry,) = await house.api.call("config_entries/get", domain="rtvoice")
        assert entry["state"] == "loaded"
        subentries = await house.api.call("config_entries/subentries/list", entry_id=entry["entry_id"])
        assert sorted(one["subentry_type"] for one in subentries) == ["agent", "satellite"]

        await page.goto(f"{house.home.url}/config/integrations/integration/rtvoice")
        await expect(page.get_by_text("Local satellite").first).to_be_visible()
        await picture(page, tmp_path / "integration.png")
        assert house.complaints() == []


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


async def picture(page: Page, path: Path) -> None:
    """Take a picture when nothing moves any more."""
    await page.evaluate("Promise.all(document.getAnimations().map(animation => animation.finished.catch(() => 0)))")
    await page.wait_for_timeout(500)
    await page.screenshot(path=path)
