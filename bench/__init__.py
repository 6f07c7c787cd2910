"""Measurements in absolute times, which tests do not make."""
