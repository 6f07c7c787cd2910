"""The house that is attacked: Home Assistant with an account at the simulator, as in the tests of the integration."""

from tests.ha.conftest import (  # noqa: F401 - fixtures
    brain,
    chat_server,
    commands,
    home,
    microphone,
    mock_entry,
    page,
    setup_integration,
    simulator,
    sound_library,
    speaker,
    two_browsers,
    web,
)
