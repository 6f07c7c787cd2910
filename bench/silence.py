"""How soon a page is silent when it is told to be, measured in the page: from the message to the last loud block.

    .venv/bin/python -m bench.silence [--times 30]

The card in a headless Chromium, and a server that is this program. What is heard is seen by an audio worklet at the
loudspeaker, which looks at each block of 128 samples; its word to the page is part of the time.
"""

import argparse
import asyncio
import shutil
import statistics

from tests.e2e.test_card_audio import card, serving, tone

_PLAYED_S, _GIVEN_S, _SETTLE_S = 0.3, 1.3, 0.4


async def _measure(times: int) -> list[float]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium; script/setup installs it")
    took: list[float] = []
    async with serving() as server, card(server, chromium) as page:
        rate_hz = int(str(server.hello["output_rate_hz"]))
        for epoch in range(times):
            await server.play(epoch, tone(rate_hz, _GIVEN_S))
            await server.until_played(epoch, int(rate_hz * _PLAYED_S))
            await server.tell(type="clear", epoch=epoch + 1)
            await asyncio.sleep(_SETTLE_S)
            took.append(await page.evaluate("Math.max(0, window.probe.loudAt - window.probe.clearedAt)"))
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30)
    took = sorted(asyncio.run(_measure(parser.parse_args().times)))
    print(
        f"{len(took)} times silent after: median {statistics.median(took):.1f}  "
        f"p90 {took[int(len(took) * 0.9)]:.1f}  max {took[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
