"""Load from wrk (Debian's package): so many connections that ask again at once, or after a pause of random length."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "wrk"

_SCRIPT = """
local body, entities, rows, pause = %s, %d, %d, %d
math.randomseed(7)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
local function row() return (body:gsub("NUMBER", string.format("%%09d", math.random(0, entities - 1)))) end
request = function()
  if rows == 0 then return wrk.format(nil, nil, nil, row()) end
  local all = {}
  for number = 1, rows do all[number] = row() end
  return wrk.format(nil, nil, nil, '{"rows":[' .. table.concat(all, ",") .. "]}")
end
if pause > 0 then delay = function() return math.random(0, 2 * pause) end end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"answered":%%d,"seconds":%%f,"p50_ms":%%f,"p99_ms":%%f,"refused":%%d,"broken":%%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: answers, of which `refused` were errors, requests that got none, and how long answers took."""

    answered: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds


def can_load() -> bool:
    """Whether wrk is on this machine."""
    return shutil.which(PROGRAM) is not None


def load(
    url: str,
    body: str,
    *,
    entities: int,
    seconds: float,
    connections: int,
    token: str = "",
    rows: int = 0,
    pause_ms: int = 0,
) -> Load:
    """Ask for so long.

    Parameters
    ----------
    body : JSON of one row, in which NUMBER stands for the number of random entities.
    rows : rows of a batch, 0 for the body alone.
    pause_ms : how long a connection pauses on average before it asks again.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        # JSON text is a Lua string too, as long as it is ASCII.
        script.write_text(_SCRIPT % (json.dumps(body), entities, rows, pause_ms, token))
        words = [PROGRAM, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s", "-s", str(script), url]
        done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603
    return Load(**json.loads(done.stdout.splitlines()[-1]))
