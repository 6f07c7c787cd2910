"""The actions that ask a question, and that carry a conversation to another satellite."""

from typing import Any, Final

import probatio
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import selector

from .bridge.ask import async_ask
from .bridge.errors import refused
from .bridge.move import async_move
from .bridge.phrases import template
from .bridge.question import Question
from .bridge.targets import async_check_places, async_satellite, async_targets, places_of
from .const import DOMAIN

ATTR_ANSWERS: Final = "answers"
ATTR_QUESTION: Final = "question"
ATTR_SATELLITE: Final = "satellite"
ATTR_SCHEMA: Final = "schema"
ATTR_TIMEOUT: Final = "timeout"
DEFAULT_TIMEOUT_S: Final = 30.0

_TEXT: Final = probatio.All(cv.string, probatio.Strip, probatio.Length(min=1))
_ANSWER: Final = probatio.Schema(
    {
        probatio.Required("id"): _TEXT,
        probatio.Required("sentences"): probatio.All(
            probatio.EnsureList(), [probatio.All(_TEXT, template)], probatio.Length(min=1)
        ),
    }
)
_FIELD: Final = probatio.Schema(
    {
        probatio.Optional("description"): cv.string,
        probatio.Optional("required", default=False): cv.boolean,
        probatio.Optional("selector", default={"text": {}}): selector.validate_selector,
    }
)


def _unique(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len({answer["id"] for answer in answers}) != len(answers):
        raise probatio.Invalid("Every answer needs an id of its own")
    return answers


def _fields(described: dict[str, dict[str, Any]]) -> probatio.Schema:
    """A schema of the fields that a user has described."""
    return probatio.Schema(
        {
            (probatio.Required if given["required"] else probatio.Optional)(
                name, description=given.get("description")
            ): selector.selector(given["selector"])
            for name, given in described.items()
        }
    )


ASK_SCHEMA: Final = cv.make_entity_service_schema(
    {
        probatio.Required(ATTR_QUESTION): _TEXT,
        probatio.Exclusive(ATTR_ANSWERS, "kind"): probatio.All(
            probatio.EnsureList(), [_ANSWER], probatio.Length(min=1), _unique
        ),
        probatio.Exclusive(ATTR_SCHEMA, "kind"): probatio.All(
            probatio.Schema({cv.string: _FIELD}), probatio.Length(min=1), _fields
        ),
        probatio.Optional(ATTR_TIMEOUT, default=DEFAULT_TIMEOUT_S): probatio.All(
            probatio.Coerce(float), probatio.Range(min=0, min_included=False)
        ),
    }
)
MOVE_SCHEMA: Final = cv.make_entity_service_schema({probatio.Required(ATTR_SATELLITE): cv.entity_id})


@callback
def async_setup_dialogue(hass: HomeAssistant) -> None:
    """Register these actions."""

    async def async_handle_ask(call: ServiceCall) -> ServiceResponse:
        return await _async_ask(hass, call)

    async def async_handle_move(call: ServiceCall) -> None:
        await _async_move(hass, call)

    hass.services.async_register(DOMAIN, "ask", async_handle_ask, ASK_SCHEMA, supports_response=SupportsResponse.ONLY)
    hass.services.async_register(DOMAIN, "move", async_handle_move, MOVE_SCHEMA)


async def _async_ask(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Ask on the one target, and answer what was answered; whoever waits owns the question."""
    places = places_of(await async_targets(hass, call), None)
    if len(places) != 1:
        raise refused("one_target")
    ((satellite, agent),) = places
    await async_check_places(hass, call, [satellite])
    question = Question(
        call.data[ATTR_QUESTION],
        {answer["id"]: tuple(answer["sentences"]) for answer in call.data.get(ATTR_ANSWERS, ())},
        call.data.get(ATTR_SCHEMA),
    )
    answer = await async_ask(hass, satellite, agent, question, call.context, timeout_s=call.data[ATTR_TIMEOUT])
    return answer.as_response()


async def _async_move(hass: HomeAssistant, call: ServiceCall) -> None:
    sessions = (await async_targets(hass, call)).live_sessions()
    satellite = await async_satellite(hass, call, call.data[ATTR_SATELLITE])
    if not sessions:
        raise refused("not_in_session")
    if len(sessions) != 1:
        raise refused("one_session")
    await async_move(sessions[0], satellite)
