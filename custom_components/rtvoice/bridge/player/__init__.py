"""Media players as mouths: what the agent says is fetched by them as it is spoken."""
