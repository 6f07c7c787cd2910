"""The demo house: Home Assistant with a voice agent, offline, without a key and without a microphone."""
