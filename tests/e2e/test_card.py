"""The card on a dashboard, in a real browser that hears and speaks, in a real Home Assistant."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio
import pytest_socket
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from demo.house import Furnishing
from demo.speech import trim
from simulator.home.answers import STORY

from .browser import logged_in, picture, running_browser
from .house import House
from .recogniser import recognise
from .test_barge_in import of

SATELLITE, STATUS = "assist_satellite.tablet", "sensor.tablet_status"
DASHBOARD = "tablet-card"
LISTEN_S = 2.5
"""How much of the story is listened to."""
WARM_UP = """async () => {
  const patience = new Promise(resolve => setTimeout(resolve, 20000, false));
  const work = async () => {
    while (true) {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const context = new AudioContext();
      const [track] = stream.getAudioTracks();
      const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
      const late = new Promise(resolve => setTimeout(resolve, 4000, false));
      const heard = await Promise.race([reader.read().then(() => true), late]);
      const runs = context.currentTime > 0;
      track.stop();
      await context.close();
      if (heard && runs) return true;
    }
  };
  return Promise.race([work(), patience]);
}"""
"""Uses microphone and speaker until both go: the first streams of a browser on a virtual sound card may stay silent."""
HEARD_FRAMES = 25
AHEAD_MS = 1000.0
"""How much of the story a page is given ahead of its time: it would sound on for as long."""
SPOKE_WITHIN_MS, QUIET_MS = 500.0, 400.0
"""A pause of the story is shorter; the next answer begins later."""
GONE_WITHIN_S = 10.0
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
PASSWORD = "open sesame"
PROBE = Path(__file__).with_name("card_probe.js")
ASK = """async ([type, fields]) => {
  try {
    return await document.querySelector("home-assistant").hass.connection.sendMessagePromise({ type, ...fields });
  } catch ({ code }) {
    return code;
  }
}"""
CARD = {"type": "custom:rtvoice-card", "entity": SATELLITE}
VIEW = {"title": "Kitchen", "cards": [CARD, {"type": "tile", "entity": "light.kitchen_light"}]}


@dataclass(frozen=True)
class Tablet:
    """A browser with the card, at the house's sound card."""

    house: House
    program: Browser
    context: BrowserContext

    async def open(self, context: BrowserContext | None = None) -> Page:
        """The dashboard, in a window of its own; in somebody else's context if one is given."""
        page = await (context or self.context).new_page()
        await page.add_init_script(path=PROBE)
        await page.goto(f"{self.house.home.url}/{DASHBOARD}")
        return page

    async def may_listen(self, *, allowed: bool) -> None:
        """Lend pages the microphone, or refuse it."""
        await self.context.clear_permissions()
        # What is not granted is refused then.
        await self.context.grant_permissions(["microphone" if allowed else "geolocation"], origin=self.house.home.url)


def start_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Start talking with Tablet")


def end_button(page: Page) -> Locator:
    return page.get_by_role("button", name="End the conversation with Tablet")


@contextlib.asynccontextmanager
async def card_on_a_dashboard(house: House) -> AsyncIterator[None]:
    """A browser satellite, and a dashboard with its card."""
    furnishing = Furnishing(house.api)
    subentry = await furnishing.add_satellite("browser", {"name": "Tablet"})
    try:
        dashboard = await house.api.call(
            "lovelace/dashboards/create", url_path=DASHBOARD, mode="storage", title="Tablet"
        )
        await house.api.call("lovelace/config/save", url_path=DASHBOARD, config={"views": [VIEW]})
        await house.until_state(STATUS, "idle")
        yield
        await house.api.call("lovelace/dashboards/delete", dashboard_id=dashboard["id"])
    finally:
        await furnishing.remove_satellite(subentry)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_tablet(shared_house: House, chromium: str) -> AsyncIterator[Tablet]:
    """The tablet, which one user after the other holds; in the end no console has told of an error."""
    pytest_socket.enable_socket()
    async with (
        card_on_a_dashboard(shared_house),
        running_browser(chromium, AUTOPLAY, environment=shared_house.sound.environment) as program,
        logged_in(program, shared_house) as context,
    ):
        shared = Tablet(shared_house, program, context)
        await shared.may_listen(allowed=True)
        page = await context.new_page()
        await page.goto(shared_house.home.url)
        assert await page.evaluate(WARM_UP), "The browser hears and plays nothing"
        await page.close()
        yield shared


@pytest_asyncio.fixture(loop_scope="session")
async def tablet(shared_tablet: Tablet, house: House) -> AsyncIterator[Tablet]:
    """The tablet, with no page but an empty one, that may use its microphone."""
    await shared_tablet.may_listen(allowed=True)
    yield shared_tablet
    for page in shared_tablet.context.pages[1:]:
        await page.close()
    await house.until_state(STATUS, "idle")


async def until_heard(house: House, before: int) -> None:
    """Wait until the browser's microphone is heard, counted from an event: a virtual one may begin seconds late."""
    async with asyncio.timeout(20):
        while len(of(house.simulator.events()[before:], "client", "input_audio_buffer.append")) < HEARD_FRAMES:
            await asyncio.sleep(0.1)


async def test_one_tap_and_the_light_goes_on_by_voice(house: House, tablet: Tablet, tmp_path: Path) -> None:
    before = len(house.simulator.events())
    page = await tablet.open()
    answer = tmp_path / "answer.wav"
    async with house.sound.recording(answer):
        await start_button(page).click()
        await house.until_state(STATUS, "listening")
        await until_heard(house, before)
        await house.speak("turn on the kitchen lights")
        await house.until_state("light.kitchen_light", "on")
        await house.until_state(STATUS, "speaking")
        await house.until_state(STATUS, "listening")
        await picture(page, "card-dashboard")
    # Both sides are written down, and what was done between.
    log = page.locator("rtvoice-transcript li")
    await expect(log).to_have_count(3)
    await expect(log.nth(0)).to_contain_text("turn on the kitchen lights", ignore_case=True)
    await expect(log.nth(1).locator(".name")).to_have_text("Turn on")
    await expect(log.nth(1)).to_contain_text("done")
    await expect(log.nth(2)).to_contain_text("I turned on the kitchen lights.")
    # The model's own voice came out of the browser.
    trim(answer)
    said = "i turned on the kitchen lights"
    assert recognise(answer, said, "sorry i did not understand that", "the front door is locked") == said
    await end_button(page).click()
    await expect(start_button(page)).to_be_visible()
    assert await page.evaluate("window.probe.tracks.every(track => track.readyState === 'ended')")


async def test_the_browser_falls_silent_when_the_agent_is_spoken_over(house: House, tablet: Tablet) -> None:
    before = len(house.simulator.events())
    page = await tablet.open()
    await start_button(page).click()
    await house.until_state(STATUS, "listening")
    await until_heard(house, before)
    await house.speak("tell me a story")
    await house.until_state(STATUS, "speaking")
    await asyncio.sleep(LISTEN_S)
    await house.speak("never mind please stop")
    # The browser's echo canceller leaves little of what is said meanwhile, but somebody who speaks is heard at once.
    agent = page.locator("rtvoice-transcript li.assistant:not(.partial)")
    await expect(agent).to_have_count(2)
    await house.until_state(STATUS, "listening")
    clears, loud = await page.evaluate("[window.probe.clears, window.probe.loud]")
    await end_button(page).click()

    # One of them is the interruption: it was loud until then.
    spoken_over = [at for at in clears if any(at - SPOKE_WITHIN_MS <= moment <= at for moment in loud)]
    assert len(spoken_over) == 1
    late = [moment - spoken_over[0] for moment in loud if 0 < moment - spoken_over[0] <= QUIET_MS]

    # The model is told what was heard of the story when the page is told to fall silent.
    events = house.simulator.events()[before:]
    (truncation,) = of(events, "client", "conversation.item.truncate")
    started_s = [line["t"] for line in of(events, "server", "input_audio_buffer.speech_started")]
    took_ms = (truncation["t"] - max(at for at in started_s if at <= truncation["t"])) * 1000
    # From the provider's word that somebody speaks. How many milliseconds it takes is for bench/silence.py to say.
    assert took_ms + max(late, default=0.0) <= AHEAD_MS / 5
    assert 0 < truncation["event"]["audio_end_ms"] < (LISTEN_S + 2) * 1000
    # So is the user.
    story = agent.first
    await expect(story).to_contain_text("interrupted")
    heard = await story.locator(".text").inner_text()
    assert STORY.startswith(heard.rstrip(" .…"))
    assert len(heard) < len(STORY) / 2


async def test_another_tab_takes_over_and_its_end_is_the_session_s(house: House, tablet: Tablet) -> None:
    first = await tablet.open()
    await start_button(first).click()
    await house.until_state(STATUS, "listening")
    second = await tablet.open()
    await expect(second.get_by_text("In use on another page.")).to_be_visible()
    await second.get_by_role("button", name="Use here").click()
    await expect(first.get_by_text("Another page is this satellite now.")).to_be_visible()
    assert await first.evaluate("window.probe.tracks.every(track => track.readyState === 'ended')")
    await expect(end_button(second)).to_be_visible()
    await second.wait_for_function("window.probe.tracks.some(track => track.readyState === 'live')")
    assert house.api.state(STATUS) == "listening"
    closed_s = time.monotonic()
    await second.close()
    await house.until_state(STATUS, "idle")
    assert time.monotonic() - closed_s <= GONE_WITHIN_S
    await expect(start_button(first)).to_be_visible()


async def test_without_leave_to_use_the_microphone_the_card_says_so(house: House, tablet: Tablet) -> None:
    await tablet.may_listen(allowed=False)
    page = await tablet.open()
    await start_button(page).click()
    await expect(page.get_by_text("This page may not use the microphone.")).to_be_visible()
    assert house.api.state(STATUS) == "idle"


@contextlib.asynccontextmanager
async def guest(tablet: Tablet, name: str, *groups: str) -> AsyncIterator[Page]:
    """The dashboard as a user of these groups sees it."""
    api = tablet.house.api
    user_id = (await api.call("config/auth/create", name=name, group_ids=list(groups)))["user"]["id"]
    try:
        login = {"user_id": user_id, "username": name, "password": PASSWORD}
        await api.call("config/auth_provider/homeassistant/create", **login)
        async with logged_in(tablet.program, tablet.house, user=name, password=PASSWORD) as context:
            yield await tablet.open(context)
    finally:
        await api.call("config/auth/delete", user_id=user_id)


async def asked(page: Page, command: str, **fields: Any) -> Any:
    """What a command comes to that the page's user sends; the code if it is refused."""
    return await page.evaluate(ASK, [f"rtvoice/{command}", fields])


async def test_who_may_only_read_looks_on(house: House, tablet: Tablet) -> None:
    async with guest(tablet, "reader", "system-read-only") as page:
        await expect(page.get_by_text("You may watch, but not control it")).to_be_visible()
        await expect(start_button(page)).to_be_disabled()
        for command in ("session/start", "session/stop", "session/interrupt", "browser/connect"):
            assert await asked(page, command, entity_id=SATELLITE) == "unauthorized"
        # They see what somebody else does.
        other = await tablet.open()
        await start_button(other).click()
        await house.until_state(STATUS, "listening")
        await expect(page.get_by_role("status").filter(has_text="Listening")).to_be_visible()
        await end_button(other).click()
        await house.until_state(STATUS, "idle")


async def test_who_may_not_even_read_gets_nothing(house: House, tablet: Tablet) -> None:
    async with guest(tablet, "stranger") as page:
        await expect(page.get_by_role("alert")).to_contain_text("You may not use this satellite.")
        await expect(page.locator("rtvoice-talk-button")).to_have_count(0)
        assert await asked(page, "satellites") == {"satellites": []}
        for command in ("session/subscribe", "session/start", "browser/connect"):
            assert await asked(page, command, entity_id=SATELLITE) == "unauthorized"
    assert house.api.state(STATUS) == "idle"
