"""The tools of a session, from wherever they come."""
