"""The fixtures of the tests that go through Home Assistant."""

from tests.ha.conftest import (  # noqa: F401 - fixtures
    brain,
    home,
    microphone,
    mock_entry,
    setup_integration,
    simulator,
    sound_library,
    speaker,
)
