"""Repair issues: what a user must see to outside of Home Assistant."""

from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN

NO_SOUND_CARD = "no_sound_card"
MISSING_PORTAUDIO = "missing_portaudio"
QUOTA_EXCEEDED = "quota_exceeded"


@callback
def create_sound_issue(hass: HomeAssistant, problem: str, satellite_id: str, title: str) -> None:
    """Say that a satellite has no ears and no mouth; `problem` is NO_SOUND_CARD or MISSING_PORTAUDIO."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"sound_{satellite_id}",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=problem,
        translation_placeholders={"satellite": title},
    )


@callback
def delete_sound_issue(hass: HomeAssistant, satellite_id: str) -> None:
    """Take that back."""
    ir.async_delete_issue(hass, DOMAIN, f"sound_{satellite_id}")


@callback
def create_quota_issue(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Say that an account has no credit left."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{QUOTA_EXCEEDED}_{entry.entry_id}",
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key=QUOTA_EXCEEDED,
        translation_placeholders={"account": entry.title},
    )


@callback
def delete_quota_issue(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Take that back: a session works."""
    ir.async_delete_issue(hass, DOMAIN, f"{QUOTA_EXCEEDED}_{entry.entry_id}")
