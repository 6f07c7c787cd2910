"""Echo cancellation: taking the agent's own voice out of what the microphone hears."""
