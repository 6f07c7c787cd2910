import pytest

from custom_components.rtvoice.engine.errors import ToolFailedError
from custom_components.rtvoice.engine.mcp.results import mended_result, result_text


def text(words: str) -> dict:
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"content": []}, ""),
        ({"content": [text("a"), text(""), text("b")]}, "a\nb"),
        ({"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]},
         "[image, image/png, 3 bytes; it cannot be shown here]"),
        ({"content": [{"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}]},
         "[audio, audio/wav, 3 bytes; it cannot be shown here]"),
        ({"content": [{"type": "resource_link", "uri": "file:///a", "name": "a"}]}, "[link to a: file:///a]"),
        ({"content": [{"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}]}, "inside"),
        ({"content": [{"type": "resource", "resource": {"uri": "file:///a", "blob": "AAAA"}}]},
         "[file, 3 bytes; it cannot be shown here]"),
        ({"structuredContent": {"a": [1, "ä"]}}, '{"a":[1,"ä"]}'),
        ({"content": [text('{"a": 1}')], "structuredContent": {"a": 1}}, '{"a": 1}'),
        ({"content": [text("5")], "structuredContent": {"result": 5}}, "5"),
        ({"content": [text("five")], "structuredContent": {"result": "five"}}, "five"),
        ({"content": [text("A summary")], "structuredContent": {"a": 1}}, 'A summary\n{"a":1}'),
    ],
)  # fmt: skip
def test_results_are_told_as_text(result, said) -> None:
    assert result_text(result) == said
    assert result_text(mended_result(result)) == said


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"content": [text("no flour")], "isError": True}, "no flour"),
        ({"content": [], "isError": True}, "The tool failed and did not say why"),
    ],
)
def test_b21_failures_are_errors(result, words) -> None:
    with pytest.raises(ToolFailedError, match=words):
        result_text(mended_result(result))


@pytest.mark.parametrize(
    ("content", "blocks"),
    [
        (None, []),
        ("bare", [text("bare")]),
        ([7, {"type": "image", "data": "AA"}], [text("7"), text('{"type":"image","data":"AA"}')]),
        ([{"type": "resource", "resource": None}], [text('{"type":"resource","resource":null}')]),
        ([{"type": "resource", "resource": {"text": 5}}], [text('{"type":"resource","resource":{"text":5}}')]),
        ([{"type": "image", "data": 5, "mimeType": "x"}], [text('{"type":"image","data":5,"mimeType":"x"}')]),
        ([{**text("a"), "annotations": "odd"}], [text("a")]),
    ],
)
def test_odd_blocks_become_text(content, blocks) -> None:
    assert mended_result({"content": content, "isError": "no", "_meta": 1}) == {"content": blocks}


def test_structures_that_are_no_object_are_wrapped() -> None:
    assert mended_result({"structuredContent": [1]}) == {"content": [], "structuredContent": {"result": [1]}}
