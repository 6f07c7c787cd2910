import httpx2
import openai

from custom_components.rtvoice.engine.errors import ConnectionFailedError, WireError
from custom_components.rtvoice.engine.subagents.faults import engine_error


def test_errors_without_an_answer_of_the_server() -> None:
    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    late = engine_error(openai, openai.APITimeoutError(request), None)
    assert (type(late), str(late)) == (ConnectionFailedError, "The chat model did not answer in time")
    odd = engine_error(openai, openai.OpenAIError("sk-secret"), None)
    assert (type(odd), str(odd)) == (WireError, "The chat model's answer cannot be read (OpenAIError)")
