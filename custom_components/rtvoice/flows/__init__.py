"""The forms in which people set up accounts, agents and satellites."""
