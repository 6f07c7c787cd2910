"""Adding the integration as a person does: by clicks, in a browser."""

from playwright.async_api import expect

from .browser import browser, picture
from .conftest import OpenHouse
from .house import API_KEY


async def test_a_wrong_key_is_refused_and_the_right_one_accepted(chromium: str, own_house: OpenHouse) -> None:
    async with own_house(account=False) as house, browser(house, chromium) as page:
        await page.goto(f"{house.home.url}/config/integrations/dashboard")
        await page.get_by_text("Add integration").first.click()
        search = page.locator("dialog-add-integration input").first
        await search.fill("Realtime Voice")
        await page.locator("dialog-add-integration").get_by_text("Realtime Voice", exact=True).first.click()
        dialog = page.locator("dialog-data-entry-flow")
        await expect(dialog.get_by_text("OpenAI", exact=True)).to_be_visible()
        await picture(page, house, "add-1-provider")
        await dialog.get_by_text("server", exact=False).first.click()

        fields = dialog.locator("step-flow-form input")
        await fields.nth(0).fill(house.simulator.base_url)
        await fields.nth(1).fill("wrong-key")
        await dialog.get_by_role("button", name="Submit").click()
        await expect(dialog.locator("ha-alert[alert-type=error]")).to_be_visible()
        await picture(page, house, "add-2-wrong-key")
        assert await house.api.call("config_entries/get", domain="rtvoice") == []

        await fields.nth(1).fill(API_KEY)
        await dialog.get_by_role("button", name="Submit").click()
        await expect(dialog.locator("step-flow-create-entry")).to_be_visible()
        await picture(page, house, "add-3-created")
        (entry,) = await house.api.call("config_entries/get", domain="rtvoice")
        assert entry["state"] == "loaded"
        subentries = await house.api.call("config_entries/subentries/list", entry_id=entry["entry_id"])
        assert sorted(one["subentry_type"] for one in subentries) == ["agent", "satellite"]

        await page.goto(f"{house.home.url}/config/integrations/integration/rtvoice")
        await expect(page.get_by_text("Local satellite").first).to_be_visible()
        await picture(page, house, "integration")
        assert house.complaints() == []
