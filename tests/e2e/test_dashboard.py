"""The demo's dashboard, as somebody sees it who opens the demo house."""

from playwright.async_api import expect

from demo.talk import STATUS, has_spoken, speak_on_request

from .browser import browser, picture
from .house import House


async def test_a_button_on_the_dashboard_speaks_to_the_agent(chromium: str, house: House) -> None:
    async with (
        browser(house, chromium) as page,
        speak_on_request(house.api, house.sound, house.folder, voice="slt"),
    ):
        # It is what opens first.
        await expect(page.get_by_text("Speak into the microphone")).to_be_visible()
        assert "/demo-house/" in page.url
        await expect(page.locator("hui-error-card")).to_have_count(0)
        await expect(page.get_by_text("Entity not found")).to_have_count(0)
        mark = len(house.api.changes)
        await page.get_by_text("Turn on the kitchen lights").click()
        await house.until_state("light.kitchen_light", "on", within_s=30)
        await expect(page.get_by_text("I turned on the kitchen lights.")).to_be_visible()
        await house.api.until("The agent has answered", lambda: has_spoken(house.api, mark), within_s=30)
        assert house.api.state(STATUS) == "listening"
        await picture(page, "dashboard")
        await page.get_by_text("Interrupt").first.scroll_into_view_if_needed()
        await page.locator("hui-tile-card").filter(has_text="Session").first.click()
        await house.until_state(STATUS, "idle")
