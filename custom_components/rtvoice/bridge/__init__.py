"""Where Home Assistant and the engine meet: the engine's ports, made of options and Home Assistant."""
