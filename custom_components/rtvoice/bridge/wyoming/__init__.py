"""Wyoming satellites spoken to directly: wake word, microphone, speaker and lights over one connection."""
