"""One live link between one agent on one satellite and one model."""
