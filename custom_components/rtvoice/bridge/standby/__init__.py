"""Listening for a wake word at a place whose microphone belongs to this machine."""
