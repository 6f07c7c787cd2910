"""Integrations of the demo house."""
