"""Counts over the last minutes, in a ring: adding is two additions, and nothing grows."""

from collections.abc import Sequence


class Minutes:
    """Sums of a few counts over the last so many minutes, the present one included.

    Parameters
    ----------
    minutes : length of the window.
    width : how many counts there are.
    """

    __slots__ = ("_at", "_rows", "_width")

    def __init__(self, minutes: int, width: int) -> None:
        self._width = width
        self._rows = [[0] * width for _ in range(minutes)]
        self._at = [-1] * minutes

    def add(self, minute: int, counts: Sequence[int]) -> None:
        """Add counts to a minute; one that has left the window already is not counted any more."""
        slot = minute % len(self._at)
        if self._at[slot] > minute:
            return
        if self._at[slot] < minute:
            self._at[slot] = minute
            self._rows[slot] = [0] * self._width
        row = self._rows[slot]
        for place, count in enumerate(counts):
            row[place] += count

    def sums(self, minute: int) -> list[int]:
        """The sums over the window that ends with a minute.

        >>> ring = Minutes(10, 1)
        >>> ring.add(5, [1]); ring.add(7, [2])
        >>> ring.sums(7), ring.sums(15), ring.sums(17)
        ([3], [2], [0])
        """
        first = minute - len(self._at)
        inside = [row for row, at in zip(self._rows, self._at, strict=True) if first < at <= minute]
        return [sum(column) for column in zip(*inside, strict=True)] or [0] * self._width
