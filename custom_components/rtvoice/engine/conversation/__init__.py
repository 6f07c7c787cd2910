"""The pure core: facts in, effects out; no clock, no loop, no input or output."""
