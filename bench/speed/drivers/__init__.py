"""One library each, all at the same work."""
