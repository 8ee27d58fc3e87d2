"""Writes a world in a process of its own: `python -m governance.marketplaces.simulated OUT DAYS < world.json`.

A name is printed for each day that is written. Who starts it chooses how many threads the libraries take.
"""

import json
import sys
from datetime import date
from pathlib import Path

from governance.marketplaces.simulated.world import settings_of, simulate
from governance.marketplaces.simulated.writing import own_process


def main() -> None:
    """Read what `world.json` says of the settings from standard input, and live the days; another process writes."""
    out, days = Path(sys.argv[1]), int(sys.argv[2])
    settings = settings_of(json.load(sys.stdin))
    simulate(out, settings, days=days, on_day=_say, hand=own_process())


def _say(day: date) -> None:
    sys.stdout.write(f"{day}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
