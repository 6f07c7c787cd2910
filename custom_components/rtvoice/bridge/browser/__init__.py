"""Satellites in a browser: a page that is open is their ears and mouth."""
