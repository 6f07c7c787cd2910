"""The real client of the `openai` package against a server on loopback."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.chat.completion_create_params import CompletionCreateParamsBase
from pydantic import TypeAdapter

from custom_components.rtvoice.engine.conversation.values import ResponseUsage, TokenCount, ToolDefinition
from custom_components.rtvoice.engine.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    QuotaExceededError,
    RateLimitedError,
    RequestRejectedError,
    WireError,
)
from custom_components.rtvoice.engine.subagents import (
    ModelMessage,
    OpenAIChatModel,
    SubAgent,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from custom_components.rtvoice.engine.tools import Tools
from tests.engine.subagents.conftest import completion, fault

KEY = "sk-test-123"
ASKED = (SystemMessage("Be brief."), UserMessage("Hello"))
TOOL = ToolDefinition("search", "Search.", {"type": "object", "properties": {"word": {"type": "string"}}})

ROOT = Path(__file__).parents[3]
AUDITED = """
import asyncio, concurrent.futures.thread, sys, threading
sys.path.insert(0, "custom_components/rtvoice")
from engine.subagents import OpenAIChatModel, UserMessage

seen, loop_thread = [], threading.current_thread()

def audit(event, args):
    if event in ("import", "open") and threading.current_thread() is loop_thread:
        seen.append((event, args[0]))

async def main():
    model = OpenAIChatModel("tiny", base_url="{URL}")
    seen.clear()
    answer = await model.complete([UserMessage("Hello")], ())
    noted = list(seen)
    await model.close()
    print(answer.message.text, noted)

sys.addaudithook(audit)
asyncio.run(main())
"""


@pytest.fixture
async def model(chat_server):
    made = OpenAIChatModel("tiny", api_key=KEY, base_url=chat_server.url, max_retries=0)
    yield made
    await made.close()


async def test_a_text_is_answered(chat_server, model) -> None:
    chat_server.script = [completion("Hi.")]
    answer = await model.complete(ASKED, ())
    assert answer.message == ModelMessage("Hi.")
    assert model.model == "tiny"
    assert answer.usage == ResponseUsage(TokenCount(text=100), TokenCount(text=64), TokenCount(text=20))
    assert chat_server.paths == ["/v1/chat/completions"]
    assert chat_server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert chat_server.bodies == [
        {
            "model": "tiny",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        }
    ]


async def test_requests_fit_the_official_types(chat_server) -> None:
    model = OpenAIChatModel(
        "tiny", api_key=KEY, base_url=chat_server.url, temperature=0.5, extra={"parallel_tool_calls": True}
    )
    chat_server.script = [completion(None, ("search", '{"word": "x"}'), ("search", "{"))]
    answer = await model.complete(ASKED, [TOOL])
    assert [(call.call_id, call.name, call.arguments, call.complete) for call in answer.message.calls] == [
        ("call_0", "search", '{"word": "x"}', True),
        ("call_1", "search", "{", True),
    ]
    chat_server.script = [completion("Done.")]
    results = (ToolMessage("call_0", "found"), ToolMessage("call_1", "Invalid JSON"))
    await model.complete((*ASKED, answer.message, *results, ModelMessage("So."), UserMessage("And?")), [TOOL])
    body = chat_server.bodies[1]
    message_types = TypeAdapter(ChatCompletionMessageParam)
    for message in body["messages"]:
        message_types.validate_python(message)
    for tool in body["tools"]:
        TypeAdapter(ChatCompletionToolParam).validate_python(tool)
    assert body.keys() <= CompletionCreateParamsBase.__annotations__.keys()
    calls = body["messages"][2]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == ['{"word": "x"}', "{}"]
    assert [message["role"] for message in body["messages"][3:]] == ["tool", "tool", "assistant", "user"]
    assert (body["temperature"], body["parallel_tool_calls"]) == (0.5, True)
    assert body["tools"][0]["function"]["name"] == "search"
    await model.close()


async def test_a_whole_subagent_works_over_the_wire(chat_server, model) -> None:
    tools = Tools()
    tools.action("Search.", "search")(lambda word: f"found {word}")
    chat_server.script = [
        completion(None, ("search", '{"word": "tea"}')),
        completion(None, ("done", '{"result": "There is tea."}')),
    ]
    result = await SubAgent("helper", "Helps.", "Be helpful.", model, tools=tools).run("Find tea.")
    assert result.message == "There is tea."
    assert result.usage.input.text == 200
    assert chat_server.bodies[1]["messages"][-1] == {
        "role": "tool",
        "tool_call_id": "call_0",
        "content": "found tea",
    }


class TestKeys:
    def test_a_key_is_needed_for_openai(self, monkeypatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        with pytest.raises(ConfigurationError, match="needs a key"):
            OpenAIChatModel("tiny")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert repr(OpenAIChatModel("tiny")) == "OpenAIChatModel('tiny')"

    @pytest.mark.parametrize(
        "settings",
        [
            {"api_key": "k\n1"},
            {"api_key": "kü"},
            {"base_url": "ftp://x"},
            {"base_url": "https://"},
            {"base_url": "https://u:p@x"},
            {"base_url": "http://[::1"},
            {"base_url": "http://x:99999"},
            {"timeout": 0},
        ],
    )
    def test_impossible_settings_are_refused(self, settings) -> None:
        with pytest.raises(ConfigurationError):
            OpenAIChatModel("tiny", **{"api_key": KEY, **settings})

    async def test_other_servers_get_no_key_of_the_environment(self, chat_server, monkeypatch) -> None:
        for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            monkeypatch.setenv(name, "sk-environment")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
        model = OpenAIChatModel("tiny", base_url=chat_server.url)
        chat_server.script = [completion("Hi.")]
        await model.complete(ASKED, ())
        assert "Authorization" not in chat_server.headers[0]
        assert "sk-environment" not in str(chat_server.headers[0])
        await model.close()

    async def test_a_key_follows_no_redirect(self, chat_server, model) -> None:
        for status in (301, 302, 307, 308):
            chat_server.script = [web.Response(status=status, headers={"Location": "/elsewhere"})]
            with pytest.raises(ConfigurationError, match=f"HTTP status {status}"):
                await model.complete(ASKED, ())
        assert set(chat_server.paths) == {"/v1/chat/completions"}


class TestFaults:
    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (lambda: fault(401, "invalid_api_key", f"Incorrect API key provided: {KEY}"), AuthenticationError),
            (lambda: fault(403), AuthenticationError),
            (lambda: fault(402), QuotaExceededError),
            (lambda: fault(429, "insufficient_quota"), QuotaExceededError),
            (lambda: fault(429, "rate_limit_exceeded"), RateLimitedError),
            (lambda: fault(404, "model_not_found"), ConfigurationError),
            (lambda: fault(400, "context_length_exceeded"), RequestRejectedError),
            (lambda: fault(500), ConnectionFailedError),
            (lambda: web.Response(status=502, text="Bad gateway"), ConnectionFailedError),
            (lambda: web.json_response({"error": "odd"}, status=422), RequestRejectedError),
            (lambda: web.Response(text="<html>", content_type="text/html"), WireError),
            (lambda: web.json_response({"choices": []}), WireError),
            (lambda: web.json_response(completion(choices=[{"message": None}])), WireError),
        ],
    )
    async def test_every_bad_answer_has_its_class(self, chat_server, model, answer, kind) -> None:
        chat_server.script = [answer()]
        with pytest.raises(kind) as raised:
            await model.complete(ASKED, ())
        assert type(raised.value) is kind
        assert KEY not in str(raised.value)
        assert len(chat_server.bodies) == 1

    @pytest.mark.parametrize(
        ("headers", "wait_s"),
        [
            ({"retry_after": "7"}, 7.0),
            ({"retry_after_ms": "1500", "retry_after": "7"}, 1.5),
            ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
            ({"retry_after": "inf"}, None),
        ],
    )
    async def test_how_long_to_wait_is_read(self, chat_server, model, headers, wait_s) -> None:
        chat_server.script = [fault(429, "rate_limit_exceeded", **headers)]
        with pytest.raises(RateLimitedError) as raised:
            await model.complete(ASKED, ())
        assert (raised.value.retry_after_s, raised.value.code) == (wait_s, "rate_limit_exceeded")

    async def test_a_host_that_is_not_there_is_unreachable(self, socket_enabled) -> None:
        model = OpenAIChatModel("tiny", base_url="http://127.0.0.1:9/v1", max_retries=0)
        with pytest.raises(ConnectionFailedError, match=r"cannot be reached \(ConnectError\)"):
            await model.complete(ASKED, ())
        await model.close()

    async def test_an_answer_that_is_cut_in_the_middle_is_a_lost_connection(self, chat_server, model) -> None:
        async def cut(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
            await response.prepare(request)
            await response.write(b'{"choices": [')
            request.transport.abort()
            return response

        chat_server.script = [cut]
        with pytest.raises(ConnectionFailedError, match="cannot be reached"):
            await model.complete(ASKED, ())

    async def test_a_busy_server_is_asked_again(self, chat_server) -> None:
        model = OpenAIChatModel("tiny", base_url=chat_server.url)
        chat_server.script = [fault(429, "rate_limit_exceeded", retry_after_ms="1") for _ in range(2)]
        chat_server.script.append(completion("Hi."))
        assert (await model.complete(ASKED, ())).message.text == "Hi."
        chat_server.script = [fault(429, None, retry_after_ms="1") for _ in range(3)]
        with pytest.raises(RateLimitedError):
            await model.complete(ASKED, ())
        assert len(chat_server.bodies) == 6
        await model.close()

    async def test_no_wait_is_begun_that_takes_all_the_time(self, chat_server) -> None:
        model = OpenAIChatModel("tiny", base_url=chat_server.url, timeout=30)
        chat_server.script = [fault(429, "rate_limit_exceeded", retry_after="30")]
        with pytest.raises(RateLimitedError):
            await model.complete(ASKED, ())
        await model.close()

    async def test_what_is_not_worth_it_is_not_asked_again(self, chat_server) -> None:
        model = OpenAIChatModel("tiny", base_url=chat_server.url)
        chat_server.script = [fault(429, "insufficient_quota")]
        with pytest.raises(QuotaExceededError):
            await model.complete(ASKED, ())
        await model.close()

    async def test_b15_a_silent_server_is_waited_for_no_longer_than_the_timeout(self, chat_server) -> None:
        over = asyncio.Event()

        async def silent(request: web.Request) -> web.Response:
            await over.wait()
            return web.json_response(completion("Too late."))

        model = OpenAIChatModel("tiny", base_url=chat_server.url, timeout=0.3, max_retries=0)
        chat_server.script = [silent]
        with pytest.raises(ConnectionFailedError, match="did not answer in time"):
            await model.complete(ASKED, ())
        over.set()
        await model.close()


class TestLife:
    async def test_it_can_be_prepared_closed_and_used_again(self, chat_server, model) -> None:
        await model.prewarm()
        await model.close()
        await model.close()
        chat_server.script = [completion("Hi."), completion("Hi.")]
        await asyncio.gather(model.complete(ASKED, ()), model.complete(ASKED, ()))
        assert len(chat_server.bodies) == 2

    async def test_requests_on_their_way_end_before_it_closes(self, chat_server, model) -> None:
        arrived, go = asyncio.Event(), asyncio.Event()

        async def slow(request: web.Request) -> web.Response:
            arrived.set()
            await go.wait()
            return web.json_response(completion("Hi."))

        chat_server.script = [slow]
        running = asyncio.create_task(model.complete(ASKED, ()))
        await arrived.wait()
        await model.close()
        go.set()
        assert (await running).message.text == "Hi."

    async def test_preparing_never_raises(self, monkeypatch) -> None:
        model = OpenAIChatModel("tiny", api_key=KEY)
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all.pem")
        await model.prewarm()
        with pytest.raises(ConfigurationError, match="cannot be reached from here"):
            await model.complete(ASKED, ())

    def test_a_missing_package_is_said_in_words(self) -> None:
        code = (
            "import asyncio, sys; sys.modules['openai'] = None; sys.path.insert(0, 'custom_components/rtvoice')\n"
            "from engine.subagents import OpenAIChatModel, UserMessage\n"
            "model = OpenAIChatModel('tiny', base_url='http://127.0.0.1:9')\n"
            "asyncio.run(model.prewarm())\n"
            "try: asyncio.run(model.complete([UserMessage('x')], ()))\n"
            "except Exception as err: print(type(err).__name__, err)\n"
        )
        printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert printed.stdout.startswith("ConfigurationError The package 'openai' is needed")

    async def test_nothing_is_imported_or_read_on_the_event_loop(self, chat_server) -> None:
        chat_server.script = [completion("Hi.")]
        code = AUDITED.replace("{URL}", chat_server.url)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        printed, _ = await process.communicate()
        assert printed.decode().split() == ["Hi.", "[]"]

    def test_the_package_is_not_imported_with_the_module(self) -> None:
        code = (
            "import sys; sys.path.insert(0, 'custom_components/rtvoice'); import engine.subagents\n"
            "print(sorted({'openai', 'httpx', 'httpx2', 'mcp', 'yaml'} & set(sys.modules)))"
        )
        printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == "[]"
