"""Who actions are aimed at, what they take, and who may call them."""

import base64
import sys
from pathlib import Path
from types import ModuleType

import probatio
import pytest
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.components.assist_pipeline import async_get_pipelines, async_update_pipeline
from homeassistant.components.assist_satellite import (
    AssistSatelliteConfiguration,
    AssistSatelliteEntity,
    AssistSatelliteEntityFeature,
)
from homeassistant.components.assist_satellite.const import DATA_COMPONENT
from homeassistant.components.image import ImageEntity
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
)

from custom_components.rtvoice.const import DOMAIN
from simulator import Plan, Say, ScriptedBrain, Simulator

from .conftest import AGENT_ID, SATELLITE_ID
from .house import AGENT, SATELLITE, async_add_stream, async_wait_for_state, context_of, device_of, entity_of, state_of

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def act(hass: HomeAssistant, action: str, context: Context | None = None, **fields: object) -> None:
    await hass.services.async_call(DOMAIN, action, fields, blocking=True, context=context)


@pytest.mark.parametrize(
    "fields",
    [
        {"entity_id": SATELLITE, "color": "red"},
        {"entity_id": SATELLITE, "message": ""},
        {"entity_id": SATELLITE, "message": "Hello", "prompt": "Say hello"},
        {"entity_id": SATELLITE, "speech_speed": 3},
        {"entity_id": SATELLITE, "speech_speed": 0.45},
        {"entity_id": SATELLITE, "inactivity_timeout": -1},
        {"message": "Hello"},
    ],
)
async def test_what_start_does_not_take(
    hass: HomeAssistant, setup_integration: MockConfigEntry, fields: dict[str, object]
) -> None:
    with pytest.raises(probatio.Invalid):
        await act(hass, "start", **fields)


async def test_all_speeds_that_are_taken_reach_the_provider(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry
) -> None:
    def speeds() -> list[float]:
        updates = [event["session"] for event in simulator.client_events if event["type"] == "session.update"]
        return [update["audio"]["output"]["speed"] for update in updates if "output" in update.get("audio", {})]

    for speed in (0.5, 1.5):
        await act(hass, "start", entity_id=SATELLITE, speech_speed=speed)
        assert speeds()[-1] == speed
        await act(hass, "stop", entity_id=SATELLITE)
    await act(hass, "start", entity_id=SATELLITE)
    for speed in (0.2, 1.6):
        with pytest.raises(probatio.Invalid):
            await act(hass, "set_speech_speed", entity_id=SATELLITE, speed=speed)
    for speed in (0.25, 1.5):
        await act(hass, "set_speech_speed", entity_id=SATELLITE, speed=speed)
        await act(hass, "say", entity_id=SATELLITE, text="Hello.")
        await async_wait_for_state(hass, SATELLITE, "responding")
        assert speeds()[-1] == speed
        await async_wait_for_state(hass, SATELLITE, "listening")
    await act(hass, "stop", entity_id=SATELLITE)


async def test_actions_exist_without_an_account(hass: HomeAssistant) -> None:
    assert await async_setup_component(hass, DOMAIN, {})
    for action in ("start", "stop", "say", "send_message", "interrupt", "set_speech_speed"):
        assert hass.services.has_service(DOMAIN, action)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "start", entity_id=SATELLITE)
    assert refusal.value.translation_key == "unknown_target"


@pytest.mark.parametrize("entity_id", ["light.kitchen", "assist_satellite.nowhere"])
async def test_what_is_no_target(hass: HomeAssistant, setup_integration: MockConfigEntry, entity_id: str) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "start", entity_id=entity_id)
    assert refusal.value.translation_key == "unknown_target"
    assert refusal.value.translation_placeholders == {"entity": entity_id}


async def test_an_agent_must_be_one(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "start", entity_id=SATELLITE, agent=SATELLITE)
    assert refusal.value.translation_key == "unknown_target"


async def test_unloaded_accounts_are_no_targets(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    assert await hass.config_entries.async_unload(setup_integration.entry_id)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "start", entity_id=SATELLITE)
    assert refusal.value.translation_key == "not_loaded"


async def test_devices_and_areas_are_targets(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    satellite = device_of(hass, setup_integration.entry_id, SATELLITE_ID)
    await act(hass, "start", device_id=satellite.id)
    await async_wait_for_state(hass, SATELLITE, "listening")
    kitchen = ar.async_get(hass).async_create("Kitchen")
    dr.async_get(hass).async_update_device(satellite.id, area_id=kitchen.id)
    agent = device_of(hass, setup_integration.entry_id, AGENT_ID)
    dr.async_get(hass).async_update_device(agent.id, area_id=kitchen.id)
    await act(hass, "stop", area_id=kitchen.id)
    assert state_of(hass, SATELLITE).state == "idle"
    await act(hass, "start", area_id=kitchen.id)
    await act(hass, "stop", entity_id=[AGENT, SATELLITE])
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "start", area_id=ar.async_get(hass).async_create("Attic").id)
    assert refusal.value.translation_key == "unknown_target"


async def test_a_response_needs_one_target(
    hass: HomeAssistant, setup_integration: MockConfigEntry, second_account: MockConfigEntry
) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(
            DOMAIN,
            "start",
            {"entity_id": [SATELLITE, "assist_satellite.attic"]},
            blocking=True,
            return_response=True,
        )
    assert refusal.value.translation_key == "one_target"


@pytest.fixture
async def second_account(hass: HomeAssistant, setup_integration: MockConfigEntry, tmp_path: Path) -> MockConfigEntry:
    """Another account at the same provider, with an agent and a satellite."""
    microphone = setup_integration.subentries[SATELLITE_ID].data["input"]
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Second",
        data=setup_integration.data,
        unique_id="second",
        subentries_data=(
            {
                "subentry_type": "agent",
                "title": "Butler",
                "data": {**setup_integration.subentries[AGENT_ID].data, "instructions": "You are the butler."},
                "unique_id": None,
            },
            {
                "subentry_type": "satellite",
                "title": "Attic",
                "data": {"kind": "local", "input": microphone, "output": f"file:{tmp_path / 'attic.wav'}"},
                "unique_id": None,
            },
        ),
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def test_an_agent_of_another_account(
    hass: HomeAssistant, brain: ScriptedBrain, setup_integration: MockConfigEntry, second_account: MockConfigEntry
) -> None:
    await act(hass, "start", entity_id=SATELLITE, agent="conversation.butler", message="Good evening.")
    assert state_of(hass, "switch.butler_session").state == "on"
    assert state_of(hass, entity_of(hass, "switch", AGENT_ID, "session")).state == "off"
    await async_wait_for_state(hass, SATELLITE, "responding")
    assert "You are the butler." in brain.contexts[0].instructions
    assert await hass.config_entries.async_unload(second_account.entry_id)
    assert state_of(hass, SATELLITE).state == "idle"
    await act(hass, "start", entity_id=SATELLITE)
    await act(hass, "stop", entity_id=SATELLITE)


async def test_who_may_call(
    hass: HomeAssistant, setup_integration: MockConfigEntry, hass_read_only_user: MockUser, hass_admin_user: MockUser
) -> None:
    with pytest.raises(Unauthorized) as refusal:
        await act(hass, "start", context_of(hass_read_only_user), entity_id=SATELLITE)
    assert refusal.value.permission == POLICY_CONTROL
    with pytest.raises(UnknownUser):
        await act(hass, "start", Context(user_id="nobody"), entity_id=SATELLITE)
    await act(hass, "start", context_of(hass_admin_user), entity_id=SATELLITE)
    await act(hass, "stop", context_of(hass_admin_user), entity_id=SATELLITE)


class Doorbell(ImageEntity):
    """A picture of who rang."""

    _attr_name = "Doorbell"

    def __init__(self, hass: HomeAssistant, picture: bytes) -> None:
        super().__init__(hass)
        self._picture = picture
        self._attr_image_last_updated = dt_util.utcnow()

    def image(self) -> bytes:
        return self._picture


async def _add_doorbell(hass: HomeAssistant, picture: bytes = PNG) -> str:
    assert await async_setup_component(hass, "image", {})
    await hass.data["image"].async_add_entities([Doorbell(hass, picture)])
    return "image.doorbell"


async def test_a_picture_is_shown_to_the_agent(
    hass: HomeAssistant, brain: ScriptedBrain, simulator: Simulator, setup_integration: MockConfigEntry, tmp_path: Path
) -> None:
    hass.config.media_dirs = {"local": str(tmp_path)}
    (tmp_path / "door.png").write_bytes(PNG)
    assert await async_setup_component(hass, "media_source", {})
    pictures = (await _add_doorbell(hass), {"media_content_id": "media-source://media_source/local/door.png"})
    said = entity_of(hass, "sensor", SATELLITE_ID, "assistant_transcript")
    await act(hass, "start", entity_id=SATELLITE)
    for number, picture in enumerate(pictures):
        brain.plans.append(Plan((Say(f"I see it {number}.", seconds=0.1),)))
        await act(hass, "send_message", entity_id=SATELLITE, text="Who rang?", image=picture)
        await async_wait_for_state(hass, said, f"I see it {number}.")
    sent = [event for event in simulator.client_events if event["type"] == "conversation.item.create"]
    images = [part["image_url"] for event in sent for part in event["item"]["content"] if part["type"] == "input_image"]
    assert images == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"] * 2
    await act(hass, "stop", entity_id=SATELLITE)


@pytest.mark.parametrize(
    "picture", ["camera.nowhere", "light.kitchen", "media-source://media_source/local/text.txt", "image.doorbell"]
)
async def test_what_is_no_picture(
    hass: HomeAssistant, setup_integration: MockConfigEntry, tmp_path: Path, picture: str
) -> None:
    hass.config.media_dirs = {"local": str(tmp_path)}
    (tmp_path / "text.txt").write_text("No picture")
    assert await async_setup_component(hass, "media_source", {})
    await _add_doorbell(hass, b"RIFF")
    await act(hass, "start", entity_id=SATELLITE)
    with pytest.raises(HomeAssistantError):
        await act(hass, "send_message", entity_id=SATELLITE, text="Who rang?", image=picture)
    await act(hass, "stop", entity_id=SATELLITE)


class ForeignSatellite(AssistSatelliteEntity):
    """A satellite of another integration."""

    _attr_name = "Kitchen box"
    _attr_supported_features = AssistSatelliteEntityFeature.START_CONVERSATION

    def __init__(self) -> None:
        self.started: list[dict[str, object]] = []

    def async_get_configuration(self) -> AssistSatelliteConfiguration:
        raise NotImplementedError

    async def async_set_configuration(self, config: AssistSatelliteConfiguration) -> None:
        raise NotImplementedError

    def on_pipeline_event(self, event: object) -> None:
        raise NotImplementedError

    async def async_internal_start_conversation(self, **fields: object) -> None:
        self.started.append(fields)


@pytest.fixture
async def foreign(hass: HomeAssistant, setup_integration: MockConfigEntry) -> ForeignSatellite:
    satellite = ForeignSatellite()
    await hass.data[DATA_COMPONENT].async_add_entities([satellite])
    return satellite


async def test_a_foreign_satellite_with_one_of_our_agents(
    hass: HomeAssistant, setup_integration: MockConfigEntry, foreign: ForeignSatellite
) -> None:
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "start", entity_id=foreign.entity_id)
    assert refusal.value.translation_key == "foreign_satellite"
    (pipeline,) = async_get_pipelines(hass)
    await async_update_pipeline(hass, pipeline, conversation_engine=AGENT)
    await act(hass, "start", entity_id=foreign.entity_id, message="Hello.", instructions="Be kind.")
    await act(hass, "start", entity_id=foreign.entity_id, prompt="Ask something.")
    spoken, opened = foreign.started
    assert (spoken["start_message"], spoken["start_media_id"]) == ("Hello.", None)
    assert spoken["extra_system_prompt"] == "Be kind."
    assert opened["start_message"] is None
    assert opened["start_media_id"] is not None
    assert opened["extra_system_prompt"] == "Ask something."

    foreign._attr_pipeline_entity_id = "select.kitchen_box_assistant"
    for state in ("preferred", pipeline.name, "gone"):
        hass.states.async_set("select.kitchen_box_assistant", state)
        await act(hass, "start", entity_id=foreign.entity_id)
    assert len(foreign.started) == 5
    with pytest.raises(ServiceValidationError) as refusal:
        await hass.services.async_call(
            DOMAIN, "start", {"entity_id": foreign.entity_id}, blocking=True, return_response=True
        )
    assert refusal.value.translation_key == "foreign_response"


async def test_what_a_foreign_satellite_cannot_be_told(
    hass: HomeAssistant, setup_integration: MockConfigEntry, foreign: ForeignSatellite
) -> None:
    (pipeline,) = async_get_pipelines(hass)
    await async_update_pipeline(hass, pipeline, conversation_engine=AGENT)
    unusable = {"agent": AGENT, "voice": "cedar", "speech_speed": 1.2, "inactivity_timeout": 5, "record": True}
    for field, value in unusable.items():
        with pytest.raises(ServiceValidationError) as refusal:
            await act(hass, "start", entity_id=[SATELLITE, foreign.entity_id], **{field: value})
        assert refusal.value.translation_key == "foreign_fields"
        assert refusal.value.translation_placeholders == {"satellite": foreign.entity_id, "fields": field}
    with pytest.raises(ServiceValidationError, match="agent, voice, speech_speed, inactivity_timeout, record"):
        await act(hass, "start", entity_id=foreign.entity_id, message="Hello.", **unusable)
    # Nothing has begun anywhere.
    assert foreign.started == []
    assert state_of(hass, SATELLITE).state == "idle"


async def test_a_foreign_satellite_that_cannot_start(
    hass: HomeAssistant, setup_integration: MockConfigEntry, foreign: ForeignSatellite
) -> None:
    foreign._attr_supported_features = AssistSatelliteEntityFeature.ANNOUNCE
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "start", entity_id=foreign.entity_id)
    assert refusal.value.translation_key == "foreign_satellite"
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "stop", entity_id=foreign.entity_id)
    assert refusal.value.translation_key == "unknown_target"


async def test_a_camera_is_shown_to_the_agent(
    hass: HomeAssistant, simulator: Simulator, setup_integration: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    turbojpeg = ModuleType("turbojpeg")
    turbojpeg.TurboJPEG = lambda: None
    monkeypatch.setitem(sys.modules, "turbojpeg", turbojpeg)
    assert await async_setup_component(hass, "camera", {})
    from homeassistant.components.camera import Camera

    class Porch(Camera):
        _attr_name = "Porch"

        async def async_camera_image(self, width: int | None = None, height: int | None = None) -> bytes:
            return PNG

    await hass.data["camera"].async_add_entities([Porch()])
    await act(hass, "start", entity_id=SATELLITE)
    await act(hass, "send_message", entity_id=SATELLITE, text="Who is there?", image="camera.porch")
    await simulator.wait_for("conversation.item.create")
    (sent,) = [event for event in simulator.client_events if event["type"] == "conversation.item.create"]
    (image,) = [part["image_url"] for part in sent["item"]["content"] if part["type"] == "input_image"]
    assert image == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    await act(hass, "stop", entity_id=SATELLITE)


async def test_media_that_is_no_file_is_no_picture(hass: HomeAssistant, setup_integration: MockConfigEntry) -> None:
    picture = await async_add_stream(hass, "http://localhost/stream")
    await act(hass, "start", entity_id=SATELLITE)
    with pytest.raises(ServiceValidationError) as refusal:
        await act(hass, "send_message", entity_id=SATELLITE, text="Look", image=picture)
    assert refusal.value.translation_key == "media_unsupported"
    await act(hass, "stop", entity_id=SATELLITE)
