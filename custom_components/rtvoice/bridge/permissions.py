"""What Home Assistant lets a user do; what it does by itself, without any user, it may."""

from collections.abc import Callable

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import CAT_ENTITIES, POLICY_CONTROL
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import Unauthorized, UnknownUser


async def async_allowed(hass: HomeAssistant, context: Context, policy: str = POLICY_CONTROL) -> Callable[[str], bool]:
    """Whether the user of a context has this permission for an entity. Raises UnknownUser."""
    if (user := await _async_user(hass, context, policy)) is None:
        return lambda _: True
    return lambda entity_id: user.permissions.check_entity(entity_id, policy)


async def async_require_admin(hass: HomeAssistant, context: Context) -> None:
    """Raise Unauthorized unless an administrator is the user of a context."""
    user = await _async_user(hass, context, POLICY_CONTROL)
    if user is not None and not user.is_admin:
        raise Unauthorized(context=context)


def unauthorized(context: Context, entity_id: str, policy: str = POLICY_CONTROL) -> Unauthorized:
    """That the user of a context has not this permission for an entity."""
    return Unauthorized(context=context, entity_id=entity_id, permission=policy, perm_category=CAT_ENTITIES)


async def _async_user(hass: HomeAssistant, context: Context, policy: str) -> User | None:
    if context.user_id is None:
        return None
    user = await hass.auth.async_get_user(context.user_id)
    if user is None:
        raise UnknownUser(context=context, permission=policy, user_id=context.user_id)
    return user
