"""Percentiles, and tables of them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from .marks import Passage

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Figures:
    """How long pieces of audio took on one way, in milliseconds; `cpu_` is what Home Assistant's process worked."""

    count: int
    lost: int
    p50: float
    p90: float
    p99: float
    max: float
    undisturbed_max: float
    """Of those that Python's garbage collector did not hold up; 0 if there are none."""
    cpu_p50: float
    cpu_p99: float

    @classmethod
    def of(cls, passages: Iterable[Passage | None], held_up: Sequence[tuple[float, float]] = ()) -> Figures:
        """Of what passed, and what did not; `held_up` says from when until when nothing could."""
        every = list(passages)
        passed = [passage for passage in every if passage is not None]
        if not passed:
            raise ValueError("Nothing passed")
        waited = sorted(passage.waited_ms for passage in passed)
        worked = sorted(passage.worked_ms for passage in passed)
        return cls(
            len(passed),
            len(every) - len(passed),
            *(_percentile(waited, percentile) for percentile in PERCENTILES),
            waited[-1],
            max((passage.waited_ms for passage in passed if not _touched(passage, held_up)), default=0.0),
            _percentile(worked, 50),
            _percentile(worked, 99),
        )

    @classmethod
    def median_of(cls, rounds: Sequence[Figures]) -> Figures:
        """Each figure's median; counts are added up."""
        every = [asdict(figures) for figures in rounds]
        typical = {name: median(figures[name] for figures in every) for name in every[0]}
        typical["count"] = sum(figures["count"] for figures in every)
        typical["lost"] = sum(figures["lost"] for figures in every)
        return cls(**typical)


def table(title: str, rows: dict[str, list[Figures]]) -> str:
    """Markdown: of several rounds the median of each figure, and the best round's p50 and p99."""
    heads = [
        title,
        "samples",
        *(f"p{percentile}" for percentile in PERCENTILES),
        "max",
        "max undisturbed",
        "processor p50 / p99",
    ]
    several = any(len(rounds) > 1 for rounds in rows.values())
    if several:
        heads.append("best p50 / p99")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, rounds in rows.items():
        typical = Figures.median_of(rounds)
        lost = f" ({typical.lost} lost)" if typical.lost else ""
        cells = [name, f"{typical.count}{lost}"]
        cells += [f"{value:.1f}" for value in _shown(typical)]
        cells.append(f"{typical.cpu_p50:.1f} / {typical.cpu_p99:.1f}")
        if several:
            cells.append(f"{min(one.p50 for one in rounds):.1f} / {min(one.p99 for one in rounds):.1f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(figures: Figures) -> tuple[float, ...]:
    return figures.p50, figures.p90, figures.p99, figures.max, figures.undisturbed_max


def _touched(passage: Passage, held_up: Sequence[tuple[float, float]]) -> bool:
    until_s = passage.began_s + passage.waited_ms / 1000
    return any(begin_s < until_s and passage.began_s < end_s for begin_s, end_s in held_up)


def _percentile(ordered: Sequence[float], percentile: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percentile // 100)]
