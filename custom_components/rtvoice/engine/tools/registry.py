"""The registry of tools that an agent gives to the model."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Self

from pydantic import BaseModel

from ..conversation.values import ToolCall, ToolDefinition, ToolOutcome
from ..errors import ToolError, UnknownToolError
from ..events import ActionKind
from .bodies import HandlerBody, ToolHandler, function_body
from .calling import RegisteredTool, failure, perform
from .inject import ToolContext
from .offer import Availability, Description, Offer, ToolMiddleware, surrounded
from .result import MAX_OUTPUT_CHARS, ActionResult, bounded, to_text
from .schema import check_json
from .spec import ToolSpec
from .status import StatusSource, sentence, status_maker

_LOGGER = logging.getLogger(__name__)

type ProgressReport = Callable[[str, str], None]


class Tools:
    """Tools that the model may call; implements the port `ToolRunner`.

    `on_progress(call_id, text)` is called for every value that a running tool yields. Outputs are cut to
    `max_output_chars`.
    """

    def __init__(self, *, max_output_chars: int = MAX_OUTPUT_CHARS) -> None:
        self.on_progress: ProgressReport | None = None
        self._max_output_chars = max_output_chars
        self._tools: dict[str, RegisteredTool] = {}
        self._context = ToolContext()
        self._middleware: tuple[ToolMiddleware, ...] = ()

    def action[F: Callable[..., object]](
        self,
        description: str | Description,
        name: str | None = None,
        param_model: type[BaseModel] | None = None,
        *,
        result_instruction: str | None = None,
        holding_instruction: str | None = None,
        status: StatusSource | None = None,
        respond: bool = True,
        timeout: float = 30.0,
        cancel_on_interrupt: bool = False,
        kind: ActionKind = ActionKind.GENERIC,
        available_when: Availability | None = None,
    ) -> Callable[[F], F]:
        """Offer the decorated function to the model, under its own name or `name`, and return it unchanged.

        The schema comes from the signature, or from `param_model`, an instance of which one parameter then takes;
        parameters marked `Inject[T]` are filled from the context, whatever the model writes. Coroutine functions are
        awaited, other functions run in a thread (with the caller's context variables). Async generators report what
        they yield, at once; the first ActionResult they yield is the result and ends them, else the last value is the
        result.

        After `timeout` seconds (infinite is allowed) a call fails; a thread cannot be stopped, its late result is
        dropped. The tool's exceptions become failures; only the text of a ToolError is told to the model.

        A `description` that depends on the context is a function of the `ToolContext`. While `available_when` of it is
        false the model does not see the tool, and cannot call it. Both are asked anew whenever tools are offered. Its
        `kind` is for observers and middleware; the model is not told.

        Raises ValueError for a name that is taken or that providers refuse, for parameters without a JSON schema, and
        for a `status` that asks for what the tool does not take.
        """

        def register(function: F) -> F:
            tool_name = getattr(function, "__name__", "") if name is None else name
            try:
                body = function_body(function, param_model)
                say = None if status is None else status_maker(status, body.parameters)
            except ValueError as err:
                raise ValueError(f"Tool '{tool_name}': {err}") from err
            told, described = ("", description) if callable(description) else (description, None)
            spec = ToolSpec(
                ToolDefinition(
                    tool_name,
                    told,
                    body.parameters.schema,
                    holding_instruction=holding_instruction,
                    cancel_on_interrupt=cancel_on_interrupt,
                    kind=kind,
                ),
                timeout_s=timeout,
                respond=respond,
                result_instruction=result_instruction,
            )
            self._add(RegisteredTool(spec, body, say, Offer(available_when, described)))
            return function

        return register

    def register(
        self,
        definition: ToolDefinition,
        handler: ToolHandler,
        *,
        timeout: float = 30.0,
        respond: bool = True,
        result_instruction: str | None = None,
    ) -> None:
        """Offer a tool whose schema comes from elsewhere; `handler` takes the parsed JSON object, not validated.

        It returns any value or an ActionResult and may raise, as a decorated function may. Raises ValueError for a name
        that is taken or that providers refuse, and for a schema that is not an object's or no JSON.
        """
        parameters = {"type": "object", "properties": {}, **definition.parameters}
        _check_schema(definition.name, parameters)
        if parameters != definition.parameters:
            definition = replace(definition, parameters=parameters)
        spec = ToolSpec(
            definition,
            timeout_s=timeout,
            respond=respond,
            result_instruction=result_instruction,
        )
        self._add(RegisteredTool(spec, HandlerBody(handler)))

    @property
    def context(self) -> ToolContext:
        """What `Inject[T]` is filled from."""
        return self._context

    def set_context(self, context: ToolContext) -> None:
        """Fill `Inject[T]` from this context from the next call on."""
        self._context = context

    def remove(self, name: str) -> None:
        """Take a tool away; calls that run are not affected. Raises UnknownToolError."""
        self._find(name)
        del self._tools[name]

    def use(self, middleware: ToolMiddleware) -> None:
        """Put `middleware` around every call of a tool that can be called, inside of what was put there before.

        It goes with the tools that are merged or cloned from here, and what it raises fails the call as a tool's
        exceptions do.
        """
        self._middleware = (*self._middleware, middleware)

    def merge(self, other: Tools) -> None:
        """Add all tools of `other`, to be filled from this registry's context.

        Raises ValueError, adding none, when a name is taken.
        """
        if taken := sorted(self._tools.keys() & other._tools.keys()):
            raise ValueError(f"Tools are there already: {', '.join(taken)}")
        for name, tool in other._tools.items():
            self._tools[name] = replace(tool, middleware=(*other._middleware, *tool.middleware))

    def clone(self) -> Self:
        """Return an independent registry with the same tools and settings; the context object is shared."""
        copy = type(self)(max_output_chars=self._max_output_chars)
        copy.on_progress = self.on_progress
        copy.set_context(self._context)
        copy.merge(self)
        return copy

    def names(self) -> tuple[str, ...]:
        """Names of all tools, in the order of registration."""
        return tuple(self._tools)

    def definitions(self) -> tuple[ToolDefinition, ...]:
        """The tools that are available now, as the model sees them, in the order of registration."""
        return tuple(
            tool.offer.described(tool.spec.definition, self._context)
            for tool in self._tools.values()
            if tool.offer.available(tool.spec.name, self._context)
        )

    def spec(self, name: str) -> ToolSpec:
        """Return what is known about a tool. Raises UnknownToolError."""
        return self._find(name).spec

    def status_of(self, call: ToolCall) -> str | None:
        """Say what a call is doing; None without a status, and for a call that cannot be run. Never raises."""
        tool = self._tools.get(call.name)
        return None if tool is None or tool.status is None else sentence(tool.status, call)

    async def run(self, call: ToolCall) -> ToolOutcome:
        """Run one call. Always returns an outcome; raises only CancelledError, when the running task is cancelled."""
        try:
            tool = self._available(call.name)
            middleware = (*self._middleware, *tool.middleware)
            return await surrounded(partial(self._run, tool), middleware)(call)
        except ToolError as err:
            return self._failed(err)
        except Exception as err:  # noqa: BLE001 - whatever a middleware raises
            return self._failed(failure(call.name, err))

    async def _run(self, tool: RegisteredTool, call: ToolCall) -> ToolOutcome:
        try:
            result = await perform(tool, call, self._context, partial(self._report, call.call_id))
        except ToolError as err:
            return self._failed(err)
        return self._outcome(tool.spec, result)

    def _failed(self, error: ToolError) -> ToolOutcome:
        return ToolOutcome(bounded(to_text(error) or type(error).__name__, self._max_output_chars), ok=False)

    def _outcome(self, spec: ToolSpec, result: object) -> ToolOutcome:
        if not isinstance(result, ActionResult):
            result = ActionResult.success(result)
        output = bounded(to_text(result.value), self._max_output_chars)
        default_respond, default_instruction = (spec.respond, spec.result_instruction) if result.ok else (True, None)
        return ToolOutcome(
            output,
            ok=result.ok,
            respond=default_respond if result.respond is None else result.respond,
            instruction=default_instruction if result.instruction is None else result.instruction,
        )

    def _report(self, call_id: str, text: str) -> None:
        if self.on_progress is None:
            return
        try:
            self.on_progress(call_id, bounded(text, self._max_output_chars))
        except Exception:
            _LOGGER.exception("The progress of a tool could not be reported")

    def _add(self, tool: RegisteredTool) -> None:
        if tool.spec.name in self._tools:
            raise ValueError(f"Tool '{tool.spec.name}' is there already")
        self._tools[tool.spec.name] = tool

    def _available(self, name: str) -> RegisteredTool:
        tool = self._find(name)
        if not tool.offer.available(name, self._context):
            raise UnknownToolError(f"Tool '{name}' cannot be used now; {self._at_hand()}")
        return tool

    def _find(self, name: str) -> RegisteredTool:
        tool = self._tools.get(name)
        if tool is None:
            raise UnknownToolError(f"There is no tool '{name}'; {self._at_hand()}")
        return tool

    def _at_hand(self) -> str:
        return f"the tools are: {', '.join(tool.name for tool in self.definitions()) or 'none'}"


def _check_schema(name: str, parameters: Mapping[str, object]) -> None:
    if parameters["type"] != "object":
        raise ValueError(f"Tool '{name}': its parameters must be an object, not {parameters['type']}")
    try:
        check_json(parameters)
    except (TypeError, ValueError) as err:
        raise ValueError(f"Tool '{name}': its parameters are no JSON: {err}") from err
