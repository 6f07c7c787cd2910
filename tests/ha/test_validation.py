"""The papers of the integration: what Home Assistant, HACS and the Marketplace read of it without running it."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import probatio
import pytest
import yaml
from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.const import CONF_API_KEY, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import validate_selector
from homeassistant.loader import async_get_integration
from PIL import Image

from custom_components.rtvoice import const
from custom_components.rtvoice.config_flow import RtvoiceConfigFlow
from custom_components.rtvoice.flows.account_form import KEY_SCHEMA, USER_SCHEMAS, model_schema, reconfigure_schema
from custom_components.rtvoice.flows.agent_form import agent_schema
from custom_components.rtvoice.flows.local_form import local_fields
from custom_components.rtvoice.flows.satellite import satellite_schema
from custom_components.rtvoice.flows.server_form import PROGRAM_SCHEMA, http_schema, tools_schema
from custom_components.rtvoice.flows.subagent import subagent_schema
from custom_components.rtvoice.flows.wake_form import wake_fields
from custom_components.rtvoice.flows.wyoming_form import wyoming_fields

ROOT = Path(const.__file__).parents[2]
FOLDER = ROOT / "custom_components" / const.DOMAIN

MANIFEST_KEYS = {
    "after_dependencies", "bluetooth", "codeowners", "config_flow", "dependencies", "dhcp", "disabled",
    "documentation", "domain", "homekit", "import_executor", "integration_type", "iot_class", "issue_tracker",
    "loggers", "mqtt", "name", "preview_features", "requirements", "single_config_entry", "ssdp", "usb", "version",
    "zeroconf",
}  # fmt: skip
HACS_KEYS = {
    "content_in_root", "country", "filename", "hacs", "hide_default_branch", "homeassistant", "name",
    "persistent_directory", "render_readme", "zip_release",
}  # fmt: skip
TRANSLATION_KEYS = {
    "common", "conditions", "config", "config_subentries", "device", "entity", "exceptions", "issues", "options",
    "selector", "services", "system_health", "title", "triggers",
}  # fmt: skip
VERSION_STRATEGIES = [AwesomeVersionStrategy.SEMVER, AwesomeVersionStrategy.CALVER]

NEWEST = ROOT / ".venv-demo" / "bin" / "python"
MARKETPLACE = """
import json, sys
from pathlib import Path
from homeassistant.components.marketplace.repositories.integration import _check_loadable_manifest
from homeassistant.components.marketplace.utils import validate

root = Path(sys.argv[1])
folder = root / "custom_components" / "rtvoice"
hacs, manifest = (json.loads(path.read_text()) for path in (root / "hacs.json", folder / "manifest.json"))
for key, value in hacs.items():
    validate.REPOSITORY_MANIFEST_VALUES[key](value)
for key, check in validate.INTEGRATION_MANIFEST_VALUES.items():
    check(manifest[key])
_check_loadable_manifest(folder, "rtvoice")
tag = "v" + manifest["version"]
assert validate.is_valid_ref(tag)
offered = {
    "description": "Talk to your home", "domain": manifest["domain"], "etag_repository": "etag",
    "full_name": manifest["documentation"].removeprefix("https://github.com/"), "last_fetched": 0,
    "last_updated": "2026-11-01", "last_version": tag, "manifest": {"name": hacs["name"]},
    "manifest_name": manifest["name"],
}
assert validate.VALIDATE_FETCHED_V2_REPO_DATA["integration"](offered) == offered
print("checked")
"""
"""Has the Marketplace of Home Assistant 2026.11 judge our papers, and what its catalog would say of us."""


def load(name: str) -> dict[str, Any]:
    """A JSON file of the integration."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def texts(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts of the translations, with where they are."""
    if isinstance(node, str):
        yield path, node
        return
    for key, value in node.items():
        yield from texts(value, f"{path}.{key}" if path else key)


def load_descriptions(name: str) -> dict[str, dict[str, Any]]:
    """A YAML file of the integration, without what only serves as an anchor."""
    described = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return {key: value for key, value in described.items() if not key.startswith(".")}


MANIFEST = load("manifest.json")
TEXTS = load("translations/en.json")
ICONS = load("icons.json")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "services.yaml").read_text(encoding="utf-8"))
TRIGGERS: dict[str, dict[str, Any]] = load_descriptions("triggers.yaml")
CONDITIONS: dict[str, dict[str, Any]] = load_descriptions("conditions.yaml")
DESCRIPTIONS = [*SERVICES.values(), *TRIGGERS.values(), *CONDITIONS.values()]
QUALITY = yaml.safe_load((FOLDER / "quality_scale.yaml").read_text(encoding="utf-8"))["rules"]


def test_the_manifest_is_what_hassfest_wants() -> None:
    keys = list(MANIFEST)
    assert set(keys) <= MANIFEST_KEYS
    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]
    assert MANIFEST["domain"] == const.DOMAIN == FOLDER.name
    assert MANIFEST["integration_type"] == "service"
    assert MANIFEST["iot_class"] == "cloud_push"
    assert all(re.fullmatch(r"@[\w-]+", owner) for owner in MANIFEST["codeowners"])
    assert MANIFEST["documentation"].startswith("https://github.com/rtvoice/rtvoice")
    assert MANIFEST["issue_tracker"].startswith(MANIFEST["documentation"])
    for names in ("after_dependencies", "dependencies", "requirements"):
        assert MANIFEST[names] == sorted(MANIFEST[names])
    assert all(re.fullmatch(r"[\w.-]+(==|>=)[\w.]+", requirement) for requirement in MANIFEST["requirements"])


def test_the_version_is_one_everywhere() -> None:
    version = AwesomeVersion(MANIFEST["version"], ensure_strategy=VERSION_STRATEGIES)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{version}"' in project


def test_the_requirements_are_those_of_the_requirement_file() -> None:
    lines = (ROOT / "requirements" / "integration.in").read_text(encoding="utf-8").splitlines()
    for requirement in MANIFEST["requirements"]:
        assert {requirement, requirement.partition("==")[0]} & set(lines)


async def test_home_assistant_loads_the_manifest(hass: HomeAssistant) -> None:
    integration = await async_get_integration(hass, const.DOMAIN)
    assert not integration.is_built_in
    assert integration.version == MANIFEST["version"]
    assert integration.config_flow
    assert await integration.resolve_dependencies() is not None


def test_hacs_json_is_what_hacs_and_the_marketplace_want() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text(encoding="utf-8"))
    assert hacs["name"] == MANIFEST["name"]
    assert set(hacs) <= HACS_KEYS
    assert AwesomeVersion(hacs["homeassistant"]).valid
    assert [
        folder.name for folder in (ROOT / "custom_components").iterdir() if (folder / "manifest.json").exists()
    ] == [const.DOMAIN]


def test_the_marketplace_accepts_what_it_reads() -> None:
    if not NEWEST.exists():
        pytest.skip("script/setup demo makes the environment of the newest Home Assistant, which has the Marketplace")
    done = subprocess.run(
        [NEWEST, "-P", "-c", MARKETPLACE, ROOT], capture_output=True, text=True, cwd="/", check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "checked\n"), done.stderr


@pytest.mark.parametrize(
    ("name", "height"), [("icon.png", 256), ("icon@2x.png", 512), ("logo.png", 128), ("logo@2x.png", 256)]
)
def test_the_brand_images_have_the_sizes_that_are_wanted(name: str, height: int) -> None:
    with Image.open(FOLDER / "brand" / name) as image:
        assert image.format == "PNG"
        assert image.mode == "RGBA"
        assert image.height == height
        assert image.width == height or name.startswith("logo")


def test_the_sections_of_the_translations_are_known() -> None:
    assert set(TEXTS) <= TRANSLATION_KEYS
    assert TEXTS["title"] == MANIFEST["name"]


def test_texts_are_fit_to_be_shown() -> None:
    unfit = {
        "empty": lambda text: not text,
        "space around": lambda text: text != text.strip(),
        "HTML": lambda text: re.search(r"<[a-z/]", text, re.IGNORECASE),
        "a URL, which belongs into a placeholder": lambda text: re.search(r"\w+://", text),
        "a placeholder in single quotes, which is not filled in": lambda text: re.search(r"'\{\w+\}'", text),
        "a reference, which is not resolved in custom integrations": lambda text: "[%key:" in text,
    }
    assert [(path, why) for path, text in texts(TEXTS) for why, is_unfit in unfit.items() if is_unfit(text)] == []


def test_names_are_no_sentences() -> None:
    names = [
        (path, text) for path, text in texts(TEXTS) if re.search(r"\.data\.\w+$|(?<!data_description)\.name$", path)
    ]
    assert names
    assert [path for path, text in names if text.endswith(".")] == []


def test_steps_describe_every_field_that_they_have() -> None:
    for step, schema in _config_steps().items():
        _assert_described(TEXTS["config"]["step"][step], schema)
    for kind, forms in _subentry_forms().items():
        for step, schema in forms.items():
            _assert_described(TEXTS["config_subentries"][kind]["step"][step], schema)


def test_no_step_is_described_that_does_not_exist() -> None:
    menu = TEXTS["config"]["step"]["user"]
    providers = {const.PROVIDER_OPENAI, const.PROVIDER_AZURE_OPENAI, const.PROVIDER_COMPATIBLE}
    assert set(menu["menu_options"]) == set(menu["menu_option_descriptions"]) == providers
    assert set(TEXTS["config"]["step"]) == {"user", *_config_steps()}
    for step in TEXTS["config"]["step"]:
        assert callable(getattr(RtvoiceConfigFlow, f"async_step_{step}"))


def test_every_kind_of_subentry_has_its_texts() -> None:
    assert set(TEXTS["config_subentries"]) == set(_subentry_forms())
    previews = {"unheard": {"init", "retiring", "save"}, "retiring": {"init", "save"}}
    menus = {
        "agent": previews,
        "mcp_server": {"user": {"http", "program"}},
        "satellite": {"user": {"browser", "local", "wyoming"}},
    }
    for name, kind in TEXTS["config_subentries"].items():
        assert kind["entry_type"]
        assert set(kind["initiate_flow"]) == {"user", "reconfigure"}
        described = {
            step: set(texts["menu_options"]) for step, texts in kind["step"].items() if "menu_options" in texts
        }
        assert described == menus.get(name, {})
        assert set(kind["step"]) == {*_subentry_forms()[name], *described}


def test_every_choice_is_translated() -> None:
    forms = [schema for forms in _subentry_forms().values() for schema in forms.values()]
    schemas = [*_config_steps().values(), *forms]
    keys = {}
    for schema in schemas:
        for selector in _selectors(schema):
            if key := getattr(selector, "config", {}).get("translation_key"):
                keys[key] = set(selector.config["options"])
    for description in DESCRIPTIONS:
        keys |= _choices(description)
    assert {key: set(texts.get("options") or texts["fields"]) for key, texts in TEXTS["selector"].items()} == keys


def test_every_error_of_a_form_has_its_text() -> None:
    source = "".join(path.read_text() for path in [FOLDER / "config_flow.py", *(FOLDER / "flows").glob("*.py")])
    known = set(TEXTS["config"]["error"])
    known |= {error for kind in TEXTS["config_subentries"].values() for error in kind["error"]}
    assert {error for error in known if f'"{error}"' not in source} == set()


def test_services_have_texts_icons_and_valid_selectors() -> None:
    assert set(SERVICES) == set(TEXTS["services"]) == set(ICONS["services"])
    for name, service in SERVICES.items():
        described = TEXTS["services"][name]
        fields = service.get("fields", {})
        assert {"name", "description"} <= set(described)
        assert set(fields) == set(described.get("fields", {}))
        for field, settings in fields.items():
            assert set(described["fields"][field]) == {"name", "description"}
            assert set(settings) <= {"selector", "required", "example", "default"}
            validate_selector(settings["selector"])
        for target in service["target"]["entity"]:
            assert target.get("integration", const.DOMAIN) == const.DOMAIN


@pytest.mark.parametrize(("section", "described"), [("triggers", TRIGGERS), ("conditions", CONDITIONS)])
def test_triggers_and_conditions_have_texts_icons_and_valid_selectors(
    section: str, described: dict[str, dict[str, Any]]
) -> None:
    assert described
    assert set(described) == set(TEXTS[section]) == set(ICONS[section])
    for key, description in described.items():
        texts_of_it = TEXTS[section][key]
        assert {"name", "description"} <= set(texts_of_it)
        assert set(ICONS[section][key]) == {section.removesuffix("s")}
        assert set(description["fields"]) == set(texts_of_it.get("fields", {}))
        for field, settings in description["fields"].items():
            assert set(texts_of_it["fields"][field]) == {"name", "description"}
            validate_selector(settings["selector"])
        for target in description["target"]["entity"]:
            assert target["integration"] == const.DOMAIN


async def test_services_are_those_that_are_registered(hass: HomeAssistant) -> None:
    from custom_components.rtvoice.services import async_setup_services

    async_setup_services(hass)
    registered = hass.services.async_services_for_domain(const.DOMAIN)
    assert set(registered) == set(SERVICES)
    for name, service in registered.items():
        for field in (None, *SERVICES[name].get("fields", {})):
            service.schema({"entity_id": ["assist_satellite.desk"], **_example_call(name, field)})


def test_entities_have_icons_and_names() -> None:
    platforms = {platform.value for platform in Platform}
    assert set(TEXTS["entity"]) == set(ICONS["entity"]) <= platforms
    for platform, entities in TEXTS["entity"].items():
        assert set(entities) == set(ICONS["entity"][platform])
        for key, entity in entities.items():
            icon = ICONS["entity"][platform][key]
            assert entity["name"]
            assert set(icon.get("state", {})) <= set(entity.get("state", icon.get("state", {})))


def test_icons_are_material_design_icons() -> None:
    icons = [text for _, text in texts(ICONS)]
    assert icons
    assert all(re.fullmatch(r"mdi:[a-z0-9]+(-[a-z0-9]+)*", icon) for icon in icons)


def test_exceptions_and_issues_that_are_raised_have_their_texts() -> None:
    sources = "\n".join(path.read_text() for path in FOLDER.rglob("*.py"))
    raised = set(re.findall(r'(?:translation_key=|refused\()"(\w+)"', sources))
    entity_keys = {key for entities in TEXTS["entity"].values() for key in entities}
    known = {*TEXTS["exceptions"], *TEXTS["issues"], *TEXTS["selector"], *entity_keys}
    assert raised - known == set()
    for issue in TEXTS["issues"].values():
        assert set(issue) == {"title", "description"}
    for exception in TEXTS["exceptions"].values():
        assert set(exception) == {"message"}


def test_placeholders_of_refusals_are_filled_in() -> None:
    calls = [
        node
        for path in FOLDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refused"
    ]
    named = [(call.args[0].value, call.keywords) for call in calls if isinstance(call.args[0], ast.Constant)]
    assert named
    for key, keywords in named:
        wanted = set(re.findall(r"\{(\w+)\}", TEXTS["exceptions"][key]["message"]))
        assert wanted == {keyword.arg for keyword in keywords}, key


def test_the_quality_scale_answers_honestly() -> None:
    for rule, answer in QUALITY.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule)
        if isinstance(answer, str):
            assert answer in {"done", "todo"}
        else:
            assert answer["status"] in {"done", "todo", "exempt"}
            assert answer["comment"]
    if QUALITY["diagnostics"] == "done":
        assert (FOLDER / "diagnostics.py").exists()
    if QUALITY["brands"] == "done":
        assert (FOLDER / "brand" / "icon.png").exists()
    if QUALITY["parallel-updates"] == "done":
        platforms = [FOLDER / f"{name}.py" for name in ("assist_satellite", "conversation", *TEXTS["entity"])]
        assert all("PARALLEL_UPDATES" in path.read_text() for path in platforms)


def _example_call(service: str, field: str | None) -> dict[str, Any]:
    """What services.yaml lets a user fill in: all that is required, and one more field."""
    fields = SERVICES[service].get("fields", {})
    filled = {name: settings for name, settings in fields.items() if settings.get("required") or name == field}
    return {name: _example(settings) for name, settings in filled.items()}


def _example(settings: Mapping[str, Any]) -> Any:
    if "example" in settings:
        return settings["example"]
    ((kind, config),) = settings["selector"].items()
    return config["max"] if kind == "number" else "conversation.agent"


def _choices(description: Mapping[str, Any]) -> dict[str, set[str]]:
    """What is translated of the fields of a service, a trigger or a condition."""
    found = {}
    for field in description.get("fields", {}).values():
        ((_, config),) = field["selector"].items()
        if key := (config or {}).get("translation_key"):
            found[key] = set(config.get("options") or config["fields"])
    return found


def _config_steps() -> dict[str, probatio.Schema]:
    """The forms of the config flow; reconfiguring has the fields of all providers."""
    accounts = [{const.CONF_PROVIDER: provider, CONF_API_KEY: "key"} for provider in USER_SCHEMAS]
    reconfigure = {key: field for one in accounts for key, field in reconfigure_schema(one).schema.items()}
    return {
        **USER_SCHEMAS,
        "model": model_schema(()),
        "reauth_confirm": KEY_SCHEMA,
        "reconfigure": probatio.Schema(reconfigure),
    }


def _subentry_forms() -> dict[str, dict[str, probatio.Schema]]:
    """The forms of each kind of subentry, by step."""
    equipment = {const.CONF_MCP_SERVERS: {"server": "Server"}, const.CONF_SUBAGENTS: {"subagent": "Subagent"}}
    agent = agent_schema("name", "model", (), (), {"other": "Other account"}, equipment=equipment, has_pin=True)
    servers = {"http": http_schema(has_token=True), "program": PROGRAM_SCHEMA, "tools": tools_schema(())}
    return {
        const.SUBENTRY_AGENT: {"init": agent},
        const.SUBENTRY_SATELLITE: {
            "local": satellite_schema("name", local_fields((), ()) | wake_fields({}), {}),
            "wyoming": satellite_schema("name", wyoming_fields(), {}),
            "browser": satellite_schema("name", {}, {}),
        },
        const.SUBENTRY_SUBAGENT: {"init": subagent_schema((), {"server": "Server"}, has_key=True)},
        const.SUBENTRY_MCP_SERVER: servers,
    }


def _assert_described(described: Mapping[str, Any], schema: probatio.Schema) -> None:
    sections = {str(key): field for key, field in schema.schema.items() if hasattr(field, "options")}
    sections = {key: field for key, field in sections.items() if hasattr(field, "schema")}
    plain = {str(key) for key in schema.schema} - set(sections)
    assert set(described.get("data", {})) == plain
    assert set(described.get("data_description", {})) == plain
    assert set(described.get("sections", {})) == set(sections)
    for name, section in sections.items():
        assert described["sections"][name]["name"]
        _assert_described(described["sections"][name], section.schema)


def _selectors(schema: probatio.Schema) -> Iterator[Any]:
    for field in schema.schema.values():
        if hasattr(field, "options") and hasattr(field, "schema"):
            yield from _selectors(field.schema)
        else:
            yield field
