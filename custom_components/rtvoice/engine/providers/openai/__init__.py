"""The OpenAI Realtime API and servers that speak like it."""
