"""Moments: how people say when something was, by the time of the match or by the calendar."""

import re
from dataclasses import dataclass
from datetime import datetime

from ecsnet.errors import EcsnetError
from ecsnet.storage.store import Match

__all__ = ["Moment"]

_HOURS, _MINUTES = r"(\d{1,4}):(?=[0-5]?\d:)", r"(\d{1,4}):(?=[0-5]?\d(?:\.|$))"  # what follows is less than 60
_MATCH_TIME = re.compile(rf"(?:(?:{_HOURS})?{_MINUTES})?(\d{{1,9}}(?:\.\d{{1,6}})?)")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time.

    Attributes:
        seconds: Since the match began, or since 1970.
        of_match: Which of the two.
    """

    seconds: float
    of_match: bool

    @classmethod
    def parse(cls, text: str) -> "Moment":
        """Read "5:30", "1:05:30" or "330" as time since a match began, anything else as a date of ISO 8601.

        A date that names no zone is meant by the machine's.

        Raises:
            EcsnetError: It is neither.
        """
        told = _MATCH_TIME.fullmatch(text)
        if told is not None:
            hours, minutes, seconds = (float(part or 0) for part in told.groups())
            return cls(3600 * hours + 60 * minutes + seconds, of_match=True)
        try:
            return cls(datetime.fromisoformat(text).timestamp(), of_match=False)
        except (ValueError, OverflowError, OSError) as error:
            raise EcsnetError(
                f"{text!r} is no time: write 5:30 for 5 minutes 30 of the match, or a date such as 2026-11-30T18:05"
            ) from error

    def within(self, match: Match) -> float:
        """Return the seconds since 1970."""
        return match.started + self.seconds if self.of_match else self.seconds
