"""Fixtures for all tests."""

# Imported before the test plugin puts a package of the same name on the path, which would hide ours.
import custom_components.rtvoice  # noqa: F401 - for what it does
