"""The figures as tables in Markdown."""

from collections.abc import Callable, Mapping

from .figures import Figures, Spread

NAMES = {
    "floor": "floor (base64, JSON, socket)",
    "ours": "**rtvoice (this)**",
    "rtvoice": "rtvoice 0.10.0",
    "openai_agents": "openai-agents 0.24.0",
    "pipecat": "pipecat-ai 1.14.0",
    "livekit": "livekit-agents 1.8.9 (sends 100 ms at a time)",
    "livekit_20ms": "livekit-agents 1.8.9, made to send 20 ms",
}
_LATENCIES_AT = 10
_MIB = 2**20

type Runs = Mapping[str, Mapping[int, Figures]]


def in_markdown(runs: Runs, growth: Runs, *, date: str, machine: str) -> str:
    """All tables, with their headings."""
    tables = [
        "### Processor\n\nSeconds of a processor for a minute of one session, and how many times the floor that is.\n",
        _processor(runs),
        f"\n### Latency\n\nWith {_LATENCIES_AT} sessions, from sending to effect, in ms: median / p99.\n",
        _latency(runs),
        "\n### Growing\n\nAgainst a server that does the same and costs a third of the simulator.\n",
        _growth(growth),
        f"\nMemory for each further session, in MiB: {_memory(runs)}.",
    ]
    return f"Measured on {date}: {machine}.\n\n" + "\n".join(tables) + "\n"


def _processor(runs: Runs) -> str:
    counts = sorted({count for figures in runs.values() for count in figures})
    header = ["", *(f"{count} session{'s' if count > 1 else ''}" for count in counts)]
    rows = [
        [NAMES[subject], *(_against(figures.get(count), runs.get("floor", {}).get(count)) for count in counts)]
        for subject, figures in runs.items()
    ]
    return _table(header, rows)


def _latency(runs: Runs) -> str:
    header = [
        "",
        "delta → speaker",
        "of it from the socket",
        "`speech_started` → silent",
        "call → answer asked for",
        "microphone → server",
    ]
    rows = []
    for subject, figures in runs.items():
        if (at := figures.get(_LATENCIES_AT)) is not None:
            missed = f" ({at.missed} missed)" if at.missed else ""
            rows.append(
                [
                    NAMES[subject],
                    _both(at.handed),
                    _both(at.received),
                    _both(at.silent) + missed,
                    _both(at.called),
                    _both(at.uplink),
                ]
            )
    return _table(header, rows)


def _growth(runs: Runs) -> str:
    columns: dict[str, Callable[[Figures], str]] = {
        "processor, s/min": lambda each: f"{each.cpu_per_minute:.3f}",
        "frames over 20 ms late": lambda each: f"{each.late_share:.3%}",
        "event loop late, ms": lambda each: _both(each.lag),
        "memory, MiB": lambda each: f"{each.rss_bytes / _MIB:.0f}",
        "all ended in, ms": lambda each: f"{each.teardown_s * 1000:.0f}",
    }
    rows = [
        [NAMES[subject], str(count), *(show(each) for show in columns.values())]
        for subject, figures in runs.items()
        for count, each in figures.items()
    ]
    return _table(["", "sessions", *columns], rows)


def _memory(runs: Runs) -> str:
    return ", ".join(
        f"{NAMES[subject]} {(figures[last].rss_bytes - figures[first].rss_bytes) / _MIB / (last - first):.2f}"
        for subject, figures in runs.items()
        if len(figures) > 1
        for first, last in [(min(figures), max(figures))]
    )


def _against(figures: Figures | None, floor: Figures | None) -> str:
    if figures is None:
        return "-"
    times = f" ({figures.cpu_per_minute / floor.cpu_per_minute:.2f} x)" if floor is not None else ""
    return f"{figures.cpu_per_minute:.3f}{times}"


def _both(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.p50:.2f} / {spread.p99:.2f}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
