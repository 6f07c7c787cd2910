"""Fetching the token that an endpoint is entered with."""

import asyncio
from inspect import isawaitable, iscoroutinefunction

from ...errors import AuthenticationError, ConnectionFailedError, EngineError
from .endpoint import Endpoint, TokenProvider


async def admitted(endpoint: Endpoint) -> Endpoint:
    """The endpoint with a token, or as it is where none is needed.

    Raises what the token provider raises of the engine's errors, AuthenticationError for something that is no token,
    and ConnectionFailedError if the provider fails otherwise or takes too long.
    """
    if endpoint.token_provider is None:
        return endpoint
    try:
        async with asyncio.timeout(endpoint.timeouts.greet_s):
            token = await _asked(endpoint.token_provider)
    except EngineError:
        raise
    except Exception as err:
        # What it says is not repeated, as nobody knows what is in it.
        raise ConnectionFailedError(f"No token could be had: {type(err).__name__}") from err
    if not isinstance(token, str):
        raise AuthenticationError("The token provider gave something that is no token")
    return endpoint.with_token(token)


async def _asked(provider: TokenProvider) -> object:
    token = provider() if iscoroutinefunction(provider) else await asyncio.to_thread(provider)
    return await token if isawaitable(token) else token
