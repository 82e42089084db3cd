"""Wishes: what a player asks the server for, by key or by gamepad, and hears when it cannot be."""

from collections import deque
from typing import Any

from ecsnet import Client, Reply
from ecsnet.components import Stage
from ecsnet.samples.soccer.news import News
from ecsnet.samples.soccer.pitch import Team
from ecsnet.samples.soccer.roster import own_seat
from ecsnet.systems import say, stage_now
from ecsnet.systems.lobby import choose_team, set_ready, watch

__all__ = ["Wishes"]

MAX_WAITING = 32  # nobody presses more keys in a round trip


class Wishes:
    """Calls the server. Nobody waits for an answer: the Seat shows it; only refusals are told."""

    def __init__(self) -> None:
        """Begin without a wish."""
        self._waiting: deque[Reply[Any]] = deque(maxlen=MAX_WAITING)

    def toggle_ready(self, client: Client) -> None:
        """Be ready, or not; after a match it is for the next."""
        seat = own_seat(client)
        if seat is not None and stage_now(client.world) is not Stage.RUNNING:
            self._waiting.append(client.call(set_ready, not seat.ready))

    def change_side(self, client: Client) -> None:
        """Play on the other side; whoever watches plays where there is room."""
        seat = own_seat(client)
        if seat is None:
            return
        if seat.team == Team.SPECTATOR:
            self._waiting.append(client.call(watch, False))  # noqa: FBT003  # an argument on the wire has no keyword
        else:
            self._waiting.append(client.call(choose_team, Team(seat.team).opponent))

    def toggle_watching(self, client: Client) -> None:
        """Leave one's seat, or want one again."""
        seat = own_seat(client)
        if seat is not None:
            self._waiting.append(client.call(watch, not seat.watching))

    def speak(self, client: Client, text: str, *, to_team: bool) -> None:
        """Say something."""
        seat = own_seat(client)
        if text and seat is not None:
            self._waiting.append(client.call(say, text, to_team and seat.team != Team.SPECTATOR))

    def tell_refusals(self, news: News, now: float) -> None:
        """Tell why what was asked for cannot be."""
        for _ in range(len(self._waiting)):
            reply = self._waiting.popleft()
            if not reply.done:
                self._waiting.append(reply)
            elif reply.refusal is not None:
                news.refuse(reply.refusal.text, now)
