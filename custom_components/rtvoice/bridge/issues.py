"""Repair issues: what a user must see to outside of Home Assistant."""

from datetime import date
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN

NO_SOUND_CARD = "no_sound_card"
MISSING_PORTAUDIO = "missing_portaudio"
WAKE_WORD_AWAY = "wake_word_away"
QUOTA_EXCEEDED = "quota_exceeded"
MODEL_RETIRING = "model_retiring"


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
def create_wake_issue(hass: HomeAssistant, satellite_id: str, title: str, engine: str) -> None:
    """Say that nothing listens for the wake word of a satellite, because its engine is not there."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{WAKE_WORD_AWAY}_{satellite_id}",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=WAKE_WORD_AWAY,
        translation_placeholders={"satellite": title, "engine": engine},
    )


@callback
def delete_wake_issue(hass: HomeAssistant, satellite_id: str) -> None:
    """Take that back."""
    ir.async_delete_issue(hass, DOMAIN, f"{WAKE_WORD_AWAY}_{satellite_id}")


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


@callback
def create_budget_issue(hass: HomeAssistant, problem: str, agent_id: str, title: str, budget: str) -> None:
    """Say that an agent has spent a budget or nearly so; `problem` is (day|month)_budget_(nearly_)used."""
    spent = not problem.endswith("_nearly_used")
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"budget_{agent_id}",
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR if spent else ir.IssueSeverity.WARNING,
        translation_key=problem,
        translation_placeholders={"agent": title, "budget": budget},
    )


@callback
def delete_budget_issue(hass: HomeAssistant, agent_id: str) -> None:
    """Take that back: there is money left."""
    ir.async_delete_issue(hass, DOMAIN, f"budget_{agent_id}")


@callback
def create_retirement_issue(hass: HomeAssistant, agent_id: str, title: str, model: str, day: date) -> None:
    """Say that a model of an agent will be shut down on a day."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{MODEL_RETIRING}_{agent_id}",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=MODEL_RETIRING,
        translation_placeholders={"agent": title, "model": model, "date": day.isoformat()},
    )


@callback
def delete_retirement_issue(hass: HomeAssistant, agent_id: str) -> None:
    """Take that back: the agent has another model."""
    ir.async_delete_issue(hass, DOMAIN, f"{MODEL_RETIRING}_{agent_id}")


@callback
def delete_subentry_issues(hass: HomeAssistant, subentry_id: str) -> None:
    """Take back all that was said about an agent or a satellite that is gone."""
    delete_sound_issue(hass, subentry_id)
    delete_wake_issue(hass, subentry_id)
    delete_budget_issue(hass, subentry_id)
    delete_retirement_issue(hass, subentry_id)
