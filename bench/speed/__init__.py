"""Side by side with peers: the same work for all of them, in one run, on loopback."""
