"""How one service runs: its address and its limits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits of one worker process, unless it says otherwise.

    Attributes
    ----------
    in_flight_at_most
        Requests being worked on; further ones are answered 503 at once, so that those accepted stay fast.
    lasting_in_flight_at_most
        The same where so many have been worked on for a tenth of a second: more come than can be answered.
    behind_seconds_at_most
        How long requests may have waited in the event loop; beyond that they are answered 503 as well.
    requests_per_second_per_key, burst_per_key
        A key's allowance; a batch counts as its rows. Past it: 429.
    batch_seconds_at_most
        How long reading features for a batch or an entity may take.
    clock_tolerance_seconds
        How far `occurred_at` may lie from now where the marketplace's clock is the wall's.
    refresh_seconds
        How often pointers and keys are looked at.
    shutdown_seconds
        How long requests under way are waited for when the service ends.
    """

    host: str = "127.0.0.1"
    port: int = 8400
    workers: int = 1
    in_flight_at_most: int = 64
    lasting_in_flight_at_most: int = 16
    behind_seconds_at_most: float = 0.05
    body_bytes_at_most: int = 64 * 1024
    batch_bytes_at_most: int = 1024 * 1024
    requests_per_second_per_key: float = 5_000.0
    burst_per_key: float = 10_000.0
    batch_seconds_at_most: float = 0.5
    clock_tolerance_seconds: float = 300.0
    refresh_seconds: float = 0.5
    shutdown_seconds: int = 20
    recent_decisions: int = 20
