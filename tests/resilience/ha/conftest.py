"""The fixtures of the tests that go through Home Assistant."""

from tests.ha.conftest import home, sound_library  # noqa: F401 - fixtures
