"""The brain of the demo on real speech: every sentence is spoken by flite and heard by pocketsphinx."""

import asyncio
import base64
import json

import numpy as np
import pytest

from simulator.conversation import Item
from simulator.errors import SimulatorSetupError
from simulator.home import HomeBrain, ear, voice
from simulator.home.answers import NO_TOOL, NOT_UNDERSTOOD, STORY
from simulator.home.brain import NOTHING_TO_CONFIRM
from simulator.home.ear import UNINTELLIGIBLE
from simulator.plan import Call, Context, Say
from tests.simulator.house import INSTRUCTIONS, TOOLS

COMMANDS = {
    "turn on the kitchen lights": [("HassTurnOn", {"area": "Kitchen", "domain": ["light"]})],
    "turn off the living room lamp and the bedroom light": [
        ("HassTurnOff", {"name": "Living Room Lamp", "domain": ["light"]}),
        ("HassTurnOff", {"name": "Bedroom Light", "domain": ["light"]}),
    ],
    "turn off the living room lamp and turn on the bedroom light": [
        ("HassTurnOff", {"name": "Living Room Lamp", "domain": ["light"]}),
        ("HassTurnOn", {"name": "Bedroom Light", "domain": ["light"]}),
    ],
    "close the bedroom blinds and lock the front door": [
        ("HassTurnOff", {"name": "Bedroom Blinds", "domain": ["cover"]}),
        ("HassTurnOn", {"name": "Front Door", "domain": ["lock"]}),
    ],
    "switch on the bedroom light": [("HassTurnOn", {"name": "Bedroom Light", "domain": ["light"]})],
    "turn the counter light off": [("HassTurnOff", {"name": "Counter Light", "domain": ["light"]})],
    "turn off the lights": [("HassTurnOff", {"area": "Kitchen", "domain": ["light"]})],
    "set the living room lamp to forty percent": [
        ("HassLightSet", {"name": "Living Room Lamp", "domain": ["light"], "brightness": 40})
    ],
    "set the temperature to twenty one degrees": [
        ("HassClimateSetTemperature", {"name": "Hallway Thermostat", "temperature": 21})
    ],
    "open the garage door": [("HassTurnOn", {"name": "Garage Door", "domain": ["cover"]})],
    "close the bedroom blinds": [("HassTurnOff", {"name": "Bedroom Blinds", "domain": ["cover"]})],
    "lock the front door": [("HassTurnOn", {"name": "Front Door", "domain": ["lock"]})],
    "unlock the front door": [("HassTurnOff", {"name": "Front Door", "domain": ["lock"]})],
    "pause the television": [("HassMediaPause", {"name": "Television", "domain": ["media_player"]})],
    "set the television volume to thirty percent": [
        ("HassSetVolume", {"name": "Television", "domain": ["media_player"], "volume_level": 30})
    ],
    "turn on the coffee machine": [("HassTurnOn", {"name": "Coffee Machine", "domain": ["switch"]})],
    "is the ceiling light on": [("GetLiveContext", {"name": "Ceiling Light", "domain": "light"})],
    "is the front door locked": [("GetLiveContext", {"name": "Front Door", "domain": "lock"})],
    "what is the temperature in the living room": [("GetLiveContext", {"area": "Living Room"})],
    "what time is it": [("GetDateTime", {})],
    "tell me a story": [],
    "thank you": [],
}
NONSENSE = (
    "my cat likes the purple banana",
    "how many elephants fit into a small car",
    "the stock market fell sharply yesterday afternoon",
    "please order a large pizza with mushrooms",
    "turn up the volume of the ocean",
    "turn left at the next corner",
    "what is the capital of france",
    "open your heart to me",
    "set the table for dinner",
    "my television is older than my sister",
    "stop the car right now my friend",
    "kitchen kitchen kitchen",
)


@pytest.fixture(scope="module")
def spoken():
    """Sentences as flite says them in two voices, padded as the server's voice activity would."""
    kept = {}

    async def speak(text, as_voice):
        if (text, as_voice) not in kept:
            speech = await voice.Voice().speak(text, voice=as_voice)
            noise = np.random.default_rng(len(kept)).normal(0, 4, len(speech) // 2 + 19_200)
            noise[7_200:-12_000] += np.frombuffer(speech, dtype="<i2")
            kept[text, as_voice] = noise.clip(-32_768, 32_767).astype("<i2").tobytes()
        return kept[text, as_voice]

    return speak


@pytest.fixture(scope="module")
def shared_ear():
    """One ear, so that its grammar is built once; its thread is there before the first test looks for new ones."""
    made = ear.Ear()
    made._thread.submit(int).result()
    yield made
    made._thread.shutdown()


class Home(HomeBrain):
    """A brain with a conversation around it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.items = []

    def context(self, **more):
        return Context(INSTRUCTIONS, **{"tools": tuple(TOOLS), "items": tuple(self.items), **more})

    def user(self, text):
        content = [{"type": "input_text", "text": text}]
        self.add({"type": "message", "role": "user", "content": content})

    def add(self, body):
        self.items.append(Item(f"item_{len(self.items)}", body))

    async def ask(self, text, **more):
        self.user(text)
        return await self.plan(**more)

    async def plan(self, **more):
        return (await self.respond(self.context(modality="text", **more))).steps

    async def results(self, calls, *outputs, **more):
        for index, (call, output) in enumerate(zip(calls, outputs, strict=True)):
            call_id = f"call_{len(self.items)}_{index}"
            arguments = json.dumps(call.arguments)
            self.add({"type": "function_call", "call_id": call_id, "name": call.name, "arguments": arguments})
            told = output if isinstance(output, str) else json.dumps(output)
            self.add({"type": "function_call_output", "call_id": call_id, "output": told})
        (said,) = await self.plan(**more)
        self.add({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": said.text}]})
        return said.text


@pytest.fixture
def home(shared_ear):
    return Home(ear=shared_ear)


def named(calls):
    return [(call.name.rpartition("__")[2], dict(call.arguments)) for call in calls if isinstance(call, Call)]


async def heard_calls(home, audio):
    heard = await home.hear(audio, home.context())
    return heard.text, named(await home.ask(heard.text))


@pytest.mark.parametrize("as_voice", ["marin", "cedar"])
async def test_every_command_is_heard_and_meant(home, spoken, as_voice):
    heard = {text: await heard_calls(home, await spoken(text, as_voice)) for text in COMMANDS}
    assert {text: calls for text, (_, calls) in heard.items()} == COMMANDS
    assert UNINTELLIGIBLE not in [said for said, _ in heard.values()]


@pytest.mark.parametrize("as_voice", ["marin", "cedar"])
async def test_nonsense_is_never_acted_on(home, spoken, as_voice):
    heard = {text: (await home.hear(await spoken(text, as_voice), home.context())).text for text in NONSENSE}
    assert heard == dict.fromkeys(NONSENSE, UNINTELLIGIBLE)
    assert await home.ask(UNINTELLIGIBLE) == (Say(NOT_UNDERSTOOD, audio=b""),)


@pytest.mark.parametrize("level", [0, 300])
async def test_silence_and_noise_are_no_sentence(home, level):
    noise = np.random.default_rng(1).normal(0, level, 48_000).astype("<i2").tobytes()
    assert (await home.hear(noise, home.context())).text == UNINTELLIGIBLE


async def test_names_outside_the_dictionary_are_pronounced_by_the_voice(shared_ear):
    home = Home(ear=shared_ear)
    instructions = "- names: Zorblax Lamp\n  domain: light\n  areas: Quuxroom\n"
    context = Context(instructions, tuple(TOOLS))
    audio = await voice.Voice().speak("turn on the zorblax lamp")
    assert (await home.hear(audio, context)).text == "turn on the zorblax lamp"


TYPED = {
    "Turn on the kitchen lights, please!": [("HassTurnOn", {"area": "Kitchen", "domain": ["light"]})],
    "please set the lights in the kitchen to 35%": [
        ("HassLightSet", {"area": "Kitchen", "domain": ["light"], "brightness": 35})
    ],
    "set the brightness of the worktop to 5 percent": [
        ("HassLightSet", {"name": "Counter Light", "domain": ["light"], "brightness": 5})
    ],
    "Could you turn off all the lights?": [
        ("HassTurnOff", {"area": area, "domain": ["light"]}) for area in ("Bedroom", "Kitchen", "Living Room")
    ],
    "set the temperature in the hallway to 19 degrees": [
        ("HassClimateSetTemperature", {"area": "Hallway", "temperature": 19})
    ],
    "set the hallway thermostat to 20°": [
        ("HassClimateSetTemperature", {"name": "Hallway Thermostat", "temperature": 20})
    ],
    "open the bedroom blinds and the garage door": [
        ("HassTurnOn", {"name": "Bedroom Blinds", "domain": ["cover"]}),
        ("HassTurnOn", {"name": "Garage Door", "domain": ["cover"]}),
    ],
    "move the bedroom blinds to 50 percent": [
        ("HassSetPosition", {"name": "Bedroom Blinds", "domain": ["cover"], "position": 50})
    ],
    "set the desk fan to 50 percent": [("HassFanSetSpeed", {"name": "Desk Fan", "domain": ["fan"], "percentage": 50})],
    "resume the television": [("HassMediaUnpause", {"name": "Television", "domain": ["media_player"]})],
    "skip song": [("HassMediaNext", {})],
    "activate movie night": [("HassTurnOn", {"name": "Movie Night", "domain": ["scene"]})],
    "run water the garden": [("script__water_the_garden".rpartition("__")[2], {})],
    "what is the living room temperature": [
        ("GetLiveContext", {"name": "Living Room Temperature", "domain": "sensor"}),
    ],
    "which lights are on": [("GetLiveContext", {"domain": "light"})],
    "are the kitchen lights on": [("GetLiveContext", {"area": "Kitchen", "domain": "light"})],
    "what day is it today": [("GetDateTime", {})],
}


@pytest.mark.parametrize("text", TYPED)
async def test_typed_sentences_go_the_same_way(home, text):
    assert named(await home.ask(text)) == TYPED[text]


async def test_what_was_done_is_told(home):
    calls = await home.ask("turn off the living room lamp and the bedroom light")
    ok = {"response_type": "action_done", "data": {"success": [{"name": "x"}], "failed": []}}
    assert await home.results(calls, ok, ok) == "I turned off the living room lamp and the bedroom light."
    calls = await home.ask("lock the front door")
    assert await home.results(calls, ok) == "I locked the front door."
    calls = await home.ask("set the kitchen lights to 30 percent")
    assert await home.results(calls, ok) == "I set the kitchen lights to 30 percent."
    calls = await home.ask("set the temperature to 21 degrees")
    assert await home.results(calls, "Success") == "I set the hallway thermostat to 21 degrees."
    calls = await home.ask("set the temperature in the hallway to 19 degrees")
    assert await home.results(calls, ok) == "I set the temperature in the hallway to 19 degrees."
    calls = await home.ask("pause the television")
    assert await home.results(calls, ok) == "I paused the television."
    calls = await home.ask("skip song")
    assert await home.results(calls, ok) == "I skipped to the next track."
    calls = await home.ask("run water the garden")
    assert await home.results(calls, ok) == "I ran water the garden."


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ({"error": "MatchFailedError", "error_text": "No such device"}, "No such device."),
        ({"error": "timeout"}, "timeout."),
        ("Error: the tool failed", "Error: the tool failed."),
        ({"response_type": "error", "speech": {"plain": {"speech": "It is jammed!"}}}, "It is jammed!"),
        ({"response_type": "error", "data": {"code": "no_valid_targets"}}, "no_valid_targets."),
        ({"response_type": "action_done", "data": {"failed": [{"name": "x"}]}}, "it did not answer."),
    ],
)
async def test_what_failed_is_told(home, output, reason):
    calls = await home.ask("turn on the ceiling light and the bedroom light")
    said = await home.results(calls, {"response_type": "action_done"}, output)
    assert said == f"I turned on the ceiling light. But I could not change the bedroom light: {reason}"
    calls = await home.ask("turn on the coffee machine")
    assert await home.results(calls, output) == f"Sorry, I could not change the coffee machine: {reason}"


def live(*lines):
    return {"result": "\n".join(["Live Context: An overview", *lines])}


LAMP = ("- names: Ceiling Light", "  domain: light", "  state: 'on'", "  areas: Kitchen", "  attributes:")
QUESTIONS = [
    ("is the ceiling light on", live(*LAMP, "    brightness_pct: '50'"), "Yes, the ceiling light is on at 50 percent."),
    ("is the ceiling light off", live(*LAMP), "No, the ceiling light is on."),
    (
        "is the front door locked",
        live("- names: Front Door", "  domain: lock", "  state: unlocked"),
        "No, the front door is unlocked.",
    ),
    ("are the kitchen lights on", live(*LAMP), "Yes, they are on."),
    ("are the kitchen lights off", live(*LAMP), "No, they are not off."),
    (
        "are the kitchen lights on",
        live(*LAMP, "- names: Counter Light", "  domain: light", "  state: 'off'"),
        "Only some of them: the ceiling light is on.",
    ),
    ("which lights are on", live(*LAMP), "The ceiling light is on."),
    ("which lights are off", live(*LAMP), "No lights are off."),
    (
        "what is the temperature in the living room",
        live(
            *LAMP,
            "- names: Living Room Temperature",
            "  domain: sensor",
            "  state: '21.5'",
            "  attributes:",
            "    device_class: temperature",
        ),
        "The temperature in the living room is 21.5 degrees.",
    ),
    (
        "what is the temperature",
        live("- names: Hallway Thermostat", "  domain: climate", "  attributes:", "    current_temperature: '19'"),
        "The temperature of the hallway thermostat is 19 degrees.",
    ),
    ("what is the humidity in the kitchen", live(*LAMP), "I do not know the humidity in the kitchen."),
    (
        "what is the state of the hallway thermostat",
        live(
            "- names: Hallway Thermostat",
            "  domain: climate",
            "  state: heat",
            "  attributes:",
            "    current_temperature: '19'",
            "    temperature: '21'",
        ),
        "The hallway thermostat is heating at 19 degrees, set to 21.",
    ),
    ("is the garage door open", live(), "I could not find the garage door."),
    ("is the garage door open", {"error": "no match"}, "Sorry, I could not find that out: no match."),
    ("what time is it", {"time": "07:05:12", "date": "2026-11-24"}, "It is 7:05 AM."),
    ("what day is it", {"time": "07:05:12", "date": "2026-11-24"}, "Today is Tuesday, November 24."),
]


@pytest.mark.parametrize(("question", "output", "said"), QUESTIONS)
async def test_questions_are_answered_with_the_true_state(home, question, output, said):
    assert await home.results(await home.ask(question), output) == said


async def test_small_talk_needs_no_tools(home):
    (story,) = await home.ask("tell me a story")
    assert story.text == STORY
    for text, said in {"good night": "Goodbye!", "never mind": "Okay.", "hi": "Hello! How can I help you?"}.items():
        assert [step.text for step in await home.ask(text, tools=())] == [said]


async def test_without_tools_it_says_so_and_tells_the_time_itself(home):
    assert [step.text for step in await home.ask("open the garage door", tools=())] == [NO_TOOL]
    assert [step.text for step in await home.ask("open the garage door", tool_choice="none")] == [NO_TOOL]
    (said,) = await home.ask("what time is it", tools=())
    assert said.text.startswith("It is ")
    (said,) = await home.ask("what day is it", tools=())
    assert said.text.startswith("Today is ")


async def test_it_says_exactly_what_it_is_told_and_greets_otherwise(home):
    (said,) = await home.plan(response_instructions='Be brief. Say exactly: "The wash is done."')
    assert said.text == "The wash is done."
    (said,) = await home.plan(response_instructions="Ask whether the user wants coffee.")
    assert said.text == "Hello! How can I help you?"


async def test_a_message_after_open_calls_is_answered_for_itself(home):
    (call,) = await home.ask("open the garage door")
    home.add({"type": "function_call", "call_id": "c", "name": call.name, "arguments": "{}"})
    home.user("thank you")
    home.add({"type": "function_call_output", "call_id": "c", "output": "{}"})
    assert [step.text for step in await home.plan()] == ["You are welcome."]


async def test_a_preamble_goes_before_the_calls(shared_ear):
    home = Home(ear=shared_ear, preamble=True)
    said, call = await home.ask("open the garage door")
    assert (said.text, said.phase, call.name) == ("One moment.", "commentary", "intent__HassTurnOn")


async def test_the_voice_follows_the_speed_and_is_kept(home):
    speaker = voice.Voice()
    slow, fast = [await speaker.speak("good morning to everybody", speed=speed) for speed in (0.75, 1.5)]
    assert 1.7 < len(slow) / len(fast) < 2.3
    assert await speaker.speak("good morning to everybody", speed=1.5) is fast
    assert len(await speaker.speak(STORY)) / 48_000 > 15
    samples = np.frombuffer(fast, dtype="<i2")
    assert np.abs(samples).max() > 3_000


async def test_many_utterances_and_houses_are_forgotten_again(home, monkeypatch):
    monkeypatch.setattr(voice, "_KEPT", 1)
    speaker = voice.Voice()
    first = await speaker.speak("one")
    await speaker.speak("two")
    assert await speaker.speak("one") is not first
    for number in range(10):
        await home.respond(Context(f"house {number}", items=(), modality="text"))


async def test_a_cancelled_utterance_leaves_no_process(home) -> None:
    task = asyncio.create_task(voice.Voice().speak("a sentence that nobody waits for"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_missing_programs_are_named(shared_ear):
    brain = HomeBrain(voice=voice.Voice("no-such-flite"), ear=shared_ear)
    with pytest.raises(SimulatorSetupError, match="apt-get install flite"):
        await brain.start()
    with pytest.raises(SimulatorSetupError, match="false failed"):
        await voice.Voice("false").speak("hello")
    assert voice.speakable("It is 7:05, 8:00 & 9:30 — ok") == "It is 7 oh 5, 8 o'clock   9 30   ok"


async def test_a_spoken_command_over_the_wire(start, connect, spoken, shared_ear):
    class Brain(HomeBrain):
        async def close(self):
            """The ear is shared."""

    simulator = await start(Brain(ear=shared_ear))
    client = await connect(simulator)
    detection = {"type": "semantic_vad", "eagerness": "high"}
    heard = {"turn_detection": detection, "transcription": {"model": "gpt-transcribe"}}
    await client.configure(instructions=INSTRUCTIONS, tools=TOOLS, audio={"input": heard, "output": {"voice": "marin"}})
    await client.append(bytes(24_000) + await spoken("turn on the kitchen lights", "cedar") + bytes(48_000))
    (call,) = (await client.until("response.done"))["response"]["output"]
    assert json.loads(call["arguments"]) == {"area": "Kitchen", "domain": ["light"]}
    transcript = client.of("conversation.item.input_audio_transcription.completed")[0]["transcript"]
    assert transcript == "turn on the kitchen lights"
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": '{"response_type": "action_done"}'}
    await client.send("conversation.item.create", item=output)
    await client.send("response.create")
    (said,) = (await client.until("response.done"))["response"]["output"]
    assert said["content"][0]["transcript"] == "I turned on the kitchen lights."
    audio = b"".join(base64.b64decode(event["delta"]) for event in client.of("response.output_audio.delta"))
    assert 1 < len(audio) / 48_000 < 5
    assert simulator.violations == []
    assert simulator.errors == []


async def test_what_needs_the_user_s_word_is_done_with_it_and_once(home):
    calls = await home.ask("unlock the front door")
    leave = {"confirmation_required": "Front Door", "token": "abc"}
    assert await home.results(calls, leave) == "I need your word for this: Front Door. Shall I do it?"
    (again,) = await home.ask("yes")
    assert again.arguments == {**calls[0].arguments, "confirmation_token": "abc"}
    await home.results([again], {"data": {}})
    assert (await home.ask("yes"))[0].text == NOTHING_TO_CONFIRM


async def test_without_the_user_s_word_nothing_is_done(home):
    leave = {"confirmation_required": "Front Door", "token": "abc"}
    await home.results(await home.ask("unlock the front door"), leave)
    (answer,) = await home.ask("no thanks")
    assert answer.text == "Okay, I will not do it."


async def test_a_question_of_the_home_is_answered_for_the_user(home):
    choice = {"type": "string", "enum": ["yes", "later"]}
    parameters = {"type": "object", "properties": {"answer_id": choice}}
    tools = ({"type": "function", "name": "give_answer", "description": "", "parameters": parameters},)
    assert await home.ask("yes please", tools=tools) == (Call("give_answer", {"answer_id": "yes"}),)
    (said,) = await home.ask("no thanks", tools=tools)
    assert isinstance(said, Say)


async def test_a_task_is_handed_to_a_helper_and_the_result_told(home):
    parameters = {"type": "object", "properties": {"task": {"type": "string"}}, "required": ["task"]}
    tools = (*TOOLS, {"type": "function", "name": "House_keeper", "description": "", "parameters": parameters})
    calls = await home.ask("ask the house keeper to turn off the bedroom light", tools=tools)
    assert calls == (Call("House_keeper", {"task": "turn off the bedroom light"}),)
    assert await home.results(calls, {"status": "done", "result": "It is dark now."}, tools=tools) == "It is dark now."
    calls = await home.ask(
        "<conversation_history>\nuser: hello\n</conversation_history>\n\n<task>\nclose the garage door\n</task>"
    )
    assert named(calls) == [("HassTurnOff", {"name": "Garage Door", "domain": ["cover"]})]
