"""What a session may do: decided below the model, for every tool alike."""
