"""How much may be on its way, and how fast it goes out: the congestion window and pacing of one connection's sender.

Delay is the main sign of congestion: a queue that grows is seen long before it overflows. It is judged once a round
trip, by the middle of at least four samples against the smallest middle of the last ten seconds: polling hosts, waiting
ACKs and jitter make single samples vary more than a queue does, and one of a host that hung is far out. Losses count
when there are clearly more than the path loses anyway: Wi-Fi and mobile links lose at random, and to slow down for that
helps nobody. A buffer too shallow to delay anything overflows only while we send too much. Halving the window for a
moment tells the two apart.

Until the first sign the window doubles each round trip (slow start). Then additive increase, multiplicative decrease:
a sign takes off what lies in the queue; each round without one adds, and more the longer there was none. That step
depends on time alone, which is the same for all flows of a bottleneck, so they come to equal shares. Only a window that
was used up grows: a game mostly sends less than it may, and learns nothing from that.

What must not wait is not asked about here: probes, PINGs, ACKs, CLOSE. Sources: RFC 9002, section 7, for slow start,
application limits, persistent congestion and pacing; H-TCP (Leith, Shorten 2004) for the step that grows with time.
"""

from math import sqrt
from typing import Protocol

from ecsnet.config import TransportConfig

__all__ = ["Congestion", "CongestionControl"]

QUEUE_SECONDS = 0.035  # more delay than this above the smallest, beside noise and patience, is a queue
# A small window waits longer before it counts delay as a queue: so flows that know different smallest delays, as a late
# one does, still come to equal shares. Divided by the root of its datagrams; after Swift (SIGCOMM 2020), section 3.5.
PATIENCE_SECONDS, MOST_PATIENCE_SECONDS = 0.200, 0.030
NOISE_SHARE = 0.5  # of half the span of a round's samples: their middle varies by about so much
EMPTY_SECONDS, EMPTY_NOISE_SHARE = 0.005, 0.25  # a delay within so much of the smallest shows an empty queue
MIN_SAMPLES = 4  # at different times, for a round to count
BASE_SECONDS = 5.0  # the smallest delay is taken over one to two of these spans: a path may have changed
LOOK_SECONDS = 5.0  # who has not seen the queue empty for so long sends less, to see what the smallest delay is now
LOOK_SHARE = 0.5
STUCK_ROUNDS = 3  # backed off so often without the delay giving way, it is no queue of ours
STUCK_SHARE = 0.75
MOST_DELAY_DECREASE = 0.75
# What lies in the queue is taken off and more for a moment, so that it empties and every flow sees the smallest delay;
# the window returns to a little more than the path holds, once the delay is below this.
LOW_SECONDS, RETURN_GAIN, RETURN_SECONDS = 0.035, 0.8, 0.050
PACKETS_TO_JUDGE = 64  # fewer say nothing about a share of losses: one in 64 is 1.6 %
FIRST_PACKETS_TO_JUDGE = 20  # in slow start, where waiting for more costs more
LOSS_TOLERANCE, USUAL_LOSSES = 0.05, 1.5  # more than 5 % above one and a half times the usual share is too much
MAX_USUAL_LOSS = 0.4
MOST_FLOOR_BYTES = 12_000  # of a round trip of two seconds: longer ones are queues
DOUBTFUL_LOSS = 0.02  # a usual share above this is tried again every LOOK_SECONDS
# Halving the window tells whose losses they are. The path's own stay: they are more than this share of what they were,
# and less than this share of what arrived before arrives. If they were ours, fewer are lost, and as much arrives.
LOSS_LOW, UNMOVED_SHARE, ARRIVING_SHARE = 0.5, 0.55, 0.75
LEAST_LOSS_DECREASE, MOST_LOSS_DECREASE = 0.15, 0.5
STEP_BYTES = 30_000  # added in a second, when the last sign is a second ago; twice as much when it is two ago ...
STEP_SHARE, LEAST_STEP_BYTES = 0.06, 300  # but in a round never more than this share: narrow links have room for little
MIN_DELAY_SECONDS = 0.001  # RFC 9002's granularity
PACING_GAIN, SLOW_START_GAIN = 1.25, 2.0  # above window / round trip, so that pacing does not hold the window back
# What a host sends at once is what the pace allows since its last call, and a little more for a late one. What it left
# out before is forfeited. At least six datagrams: RFC 9002, section 7.7, allows ten; six pass a cheap router's buffer.
BURST_CALLS = 1.5
BURST_DATAGRAMS = 6
MAX_CALL_SECONDS = 0.1
QUANTUM_SECONDS = 0.004  # a host that sleeps is woken for at least so much: waking for each datagram costs more than it
NEVER = float("inf")


class CongestionControl(Protocol):
    """What `Traffic` asks and tells; a stream has its own."""

    window_bytes: int
    in_flight_bytes: int

    def room_bytes(self, now: float) -> int:
        """Return how much may go out now; the last datagram may pass it."""
        ...

    def note_sent(self, size: int, now: float) -> None:
        """Note what one call sent."""
        ...

    def note_held_back(self) -> None:
        """Note that more would have been sent, had there been room."""
        ...

    def resumes_at(self, kept_bytes: int) -> float | None:
        """Return when more goes out without an acknowledgement."""
        ...

    def guess_rtt(self, seconds: float) -> None:
        """Take a guess at the round trip."""
        ...

    def note_acked(self, packets: int, size: int, largest: int, next_number: int, sample: float, now: float) -> None:
        """Take what one ACK acknowledges for the first time."""
        ...

    def note_lost(self, packets: int, size: int) -> None:
        """Take packets that are lost."""
        ...

    def restart(self, next_number: int) -> None:
        """Begin anew after a time in which nothing came through."""
        ...


class Congestion:
    """The sender's view of a path.

    Attributes:
        window_bytes: Most that may be on its way.
        in_flight_bytes: Ack-eliciting packets on their way.
    """

    __slots__ = (
        "_acked_bytes", "_arrived_before", "_base", "_base_before", "_base_until", "_before", "_before_loss",
        "_burst_bytes", "_called_at", "_delay", "_doubted_at", "_due_at", "_empty_at", "_initial_bytes", "_interval",
        "_limited", "_lost", "_max_ack_delay", "_max_bytes", "_min_bytes", "_min_rate", "_noise", "_packet_bytes",
        "_peak_bytes", "_quiet_since", "_rate", "_returns_to", "_round_began_at", "_round_ends_at", "_sample_at",
        "_sample_max", "_sample_min", "_sample_sum", "_samples", "_seen", "_settling", "_shrunk_for_loss",
        "_slow_start", "_stuck", "_stuck_queue", "_used_up", "_usual_loss", "_was_slow_start", "in_flight_bytes",
        "window_bytes",
    )  # fmt: skip

    def __init__(self, config: TransportConfig, smoothed: float) -> None:
        """Know nothing of the path but a guess at its round trip, in seconds."""
        self._initial_bytes = config.initial_window_bytes
        self._min_bytes = config.min_window_bytes
        self._min_rate = config.min_rate_bytes_per_second
        self._max_bytes = config.max_window_bytes
        self._packet_bytes = config.datagram_bytes
        self._max_ack_delay = config.max_ack_delay_seconds
        self.window_bytes = self._initial_bytes
        self.in_flight_bytes = 0
        self._slow_start = True
        self._quiet_since = 0.0  # when the last sign was seen
        # The round: from the packet with number `_round_ends_at` on, acknowledgements belong to the next one.
        self._round_ends_at = 0
        self._round_began_at = -NEVER
        self._acked_bytes = 0
        self._sample_min, self._sample_max = NEVER, 0.0
        self._samples = 0
        self._sample_sum = 0.0
        self._sample_at = -NEVER
        self._limited = False  # whether the window is worth growing
        self._used_up = False  # whether it, or pacing, held anything back
        self._peak_bytes = 0  # most on its way
        self._settling = False  # whether the round is the one after backing off: what it shows is older than that
        # The smallest delay.
        self._base = self._base_before = NEVER
        self._base_until = -NEVER
        self._empty_at = NEVER
        self._delay = smoothed  # of the last round
        self._noise = 0.0  # half the span of the samples of a round, smoothed
        self._returns_to = 0  # the window to return to after two rounds with a smaller one; 0: it is not made small
        self._stuck = 0
        self._stuck_queue = 0.0
        self._before = 0  # window before the first of the decreases in a row
        # Losses.
        self._seen = self._lost = 0  # packets whose fate is known, since last judged
        self._usual_loss = 0.0
        self._shrunk_for_loss = 0.0  # the share that made the window small
        self._before_loss = 0  # the window before that
        self._arrived_before = 0.0  # and what arrived, bytes a second
        self._was_slow_start = False
        self._doubted_at = -NEVER  # when it was last tried whether losses are the path's own
        # Pacing.
        self._due_at = -NEVER  # when the next datagram may go out
        self._rate = 0.0
        self._burst_bytes = 0.0
        self._interval = 1 / 60  # between two calls of the host, smoothed
        self._called_at = -NEVER
        self._pace()

    def __repr__(self) -> str:
        """Show the window."""
        phase = "slow start" if self._slow_start else "steady"
        return f"Congestion({self.in_flight_bytes} of {self.window_bytes} B, {phase}, {self._rate:.0f} B/s)"

    # Sending.

    def room_bytes(self, now: float) -> int:  # HOT: once per call of the host
        """Return how much may go out now; the last datagram may pass it."""
        gap = now - self._called_at
        if 0.0 < gap < MAX_CALL_SECONDS:  # longer ones are pauses
            self._interval += (gap - self._interval) / 8
        self._called_at = now
        room = self.window_bytes - self.in_flight_bytes
        if room <= 0 or now < self._due_at:
            return 0
        paced = (now - self._due_at) * self._rate
        if paced >= self._burst_bytes:
            paced = self._burst_bytes
        elif paced < 1.0:  # due at this very moment: a host that sleeps until then must find something to do
            return 1
        return room if room < paced else int(paced)

    def note_sent(self, size: int, now: float) -> None:  # HOT: once per call of the host
        """Note what one call sent; each ack-eliciting packet was added to `in_flight_bytes` before."""
        rate, in_flight = self._rate, self.in_flight_bytes
        earliest = now - self._burst_bytes / rate
        due_at = self._due_at
        if due_at < earliest:  # noqa: PLR1730  # half the time of max(); credit older than a burst is forfeited
            due_at = earliest
        self._due_at = due_at = due_at + size / rate
        if in_flight > self._peak_bytes:  # noqa: PLR1730  # half the time of max()
            self._peak_bytes = in_flight
        # Who asks for a budget first never has anything waiting: to have used it up, nearly, is to be held back.
        # In slow start half is enough, as in Linux: a game that sends a little more than yet is not held back at all.
        if in_flight + self._packet_bytes > self.window_bytes or now < due_at:
            self._limited = self._used_up = True
        elif self._slow_start and 2 * in_flight > self.window_bytes:
            self._limited = True

    def note_held_back(self) -> None:
        """Note that more would have been sent, had there been room."""
        self._limited = self._used_up = True

    def resumes_at(self, kept_bytes: int) -> float | None:
        """Return when pacing lets more out, but for what is kept free; None if only an acknowledgement can."""
        return self._due_at + QUANTUM_SECONDS if self.in_flight_bytes < self.window_bytes - kept_bytes else None

    def guess_rtt(self, seconds: float) -> None:
        """Take a guess at the round trip until a round was measured."""
        self._delay = seconds
        self._pace()

    def _pace(self) -> None:  # HOT: once per packet received in slow start, else once per round
        """Set the pace by the window and the last round's delay, in which no single sample counts for much."""
        gain = SLOW_START_GAIN if self._slow_start else PACING_GAIN
        delay = self._delay
        self._rate = rate = gain * self.window_bytes / (delay if delay > MIN_DELAY_SECONDS else MIN_DELAY_SECONDS)
        burst = rate * self._interval * BURST_CALLS
        least = BURST_DATAGRAMS * self._packet_bytes
        self._burst_bytes = burst if burst > least else least

    # Feedback.

    def note_acked(self, packets: int, size: int, largest: int, next_number: int, sample: float, now: float) -> None:
        """Take what one ACK acknowledges for the first time. HOT: once per packet received.

        Args:
            packets: How many.
            size: Their bytes.
            largest: Highest number acknowledged.
            next_number: Of the next packet to be sent.
            sample: The round trip without the peer's delay, seconds; infinite if it gave none.
        """
        self.in_flight_bytes -= size
        self._acked_bytes += size
        self._seen += packets
        if self._slow_start and self._limited:
            self.window_bytes = min(self.window_bytes + size, self._max_bytes)
            self._pace()
        if now > self._sample_at and sample < NEVER:  # what arrives together was held up together: one sample
            self._sample_at = now
            self._samples += 1
            self._sample_sum += sample
            if sample < self._sample_min:  # noqa: PLR1730  # half the time of min(), and below of max()
                self._sample_min = sample
            if sample > self._sample_max:  # noqa: PLR1730
                self._sample_max = sample
        if self._samples >= MIN_SAMPLES and (largest >= self._round_ends_at or self._slow_start):
            self._end_round(next_number, now)

    def note_lost(self, packets: int, size: int) -> None:
        """Take packets that are lost."""
        self.in_flight_bytes -= size
        self._seen += packets
        self._lost += packets

    def restart(self, next_number: int) -> None:
        """Begin anew after a time in which nothing came through: RFC 9002, section 7.6.

        But not with two datagrams as there: mostly it was no congestion but a link that was gone, and if the path is
        narrow now, the first round shows it.

        Args:
            next_number: Of the next packet to be sent.
        """
        self.window_bytes = min(self.window_bytes, self._initial_bytes)
        self._slow_start = True
        self._base = self._base_before = NEVER
        self._base_until = -NEVER
        self._empty_at = NEVER
        self._stuck = self._returns_to = 0
        self._shrunk_for_loss = 0.0
        self._seen = self._lost = 0
        self._settling = False
        self._begin_round(next_number)
        self._pace()

    def _begin_round(self, next_number: int) -> None:
        self._round_ends_at = next_number
        self._round_began_at = self._sample_at
        self._acked_bytes = 0
        self._sample_min, self._sample_max = NEVER, 0.0
        self._samples = 0
        self._sample_sum = 0.0
        self._limited = self._used_up = False
        self._peak_bytes = self.in_flight_bytes

    def _end_round(self, next_number: int, now: float) -> None:
        """Judge a round: back off, or return to a larger window after that, or grow, or leave it."""
        queue = self._queue_seconds(now)
        if self._settling:  # what this round showed is older than the smaller window
            self._settling = False
            self._seen = self._lost = 0
            if not self._shrunk_for_loss and queue <= RETURN_SECONDS:
                self._return()
        else:
            self._judge(queue, now)
        self._begin_round(next_number)
        self._pace()

    def _judge(self, queue: float, now: float) -> None:
        share = self._loss_share()
        delay = self._delay_decrease(queue)
        if self._shrunk_for_loss and share is None and not delay:
            return  # too few packets yet to know what the smaller window did to the losses
        if share is not None and self._shrunk_for_loss:
            self._learn_usual_loss(share, now)
        loss = 0.0 if share is None else self._loss_decrease(share)
        if delay or loss:
            self._back_off(delay, loss, share or 0.0, now)
        elif self._returns_to:
            self._return()
        elif self._used_up and now - self._empty_at > LOOK_SECONDS:
            self._empty_at = now
            self._shrink(self.window_bytes, int(min(self.window_bytes, self._peak_bytes) * LOOK_SHARE))
        elif self._usual_loss > DOUBTFUL_LOSS and self._limited and now - self._doubted_at > LOOK_SECONDS:
            self._back_off(0.0, LEAST_LOSS_DECREASE, self._usual_loss, now)
        elif self._limited:
            self._grow(now)

    def _queue_seconds(self, now: float) -> float:
        """Return how much longer the round took than the shortest lately."""
        smallest, largest, samples = self._sample_min, self._sample_max, self._samples
        self._noise += ((largest - smallest) / 2 - self._noise) / 8
        # Without the extremes: one sample of a host that hung for a second says nothing about the path.
        self._delay = sample = (self._sample_sum - smallest - largest) / (samples - 2)
        if now >= self._base_until:
            stale = now >= self._base_until + BASE_SECONDS
            self._base_before = NEVER if stale else self._base
            self._base = NEVER
            self._base_until = now + BASE_SECONDS
        self._base = min(self._base, sample)
        queue = sample - min(self._base, self._base_before)
        if queue <= EMPTY_SECONDS + self._noise * EMPTY_NOISE_SHARE or self._empty_at == NEVER:
            self._empty_at = now
        return queue

    def _delay_decrease(self, queue: float) -> float:
        """Return by what share to shrink for the delay, to empty the queue; 0 if there is none."""
        patience = min(MOST_PATIENCE_SECONDS, PATIENCE_SECONDS / sqrt(self.window_bytes / self._packet_bytes))
        if queue <= QUEUE_SECONDS + patience + self._noise * NOISE_SHARE:
            self._stuck = 0
            return 0.0
        if self._stuck and queue > STUCK_SHARE * self._stuck_queue:
            self._stuck += 1
        else:
            self._stuck = 1
            self._before = self.window_bytes
        self._stuck_queue = queue
        if self._stuck > STUCK_ROUNDS and self.window_bytes > self._floor_bytes():
            self._base = self._base_before = self._delay
            self._returns_to = self._before
            self._stuck = 0
            return 0.0
        # The queue's share of what is on its way; the rest is the link's, and the peer's that lets ACKs wait.
        return min(MOST_DELAY_DECREASE, queue / (self._delay + self._max_ack_delay))

    def _loss_share(self) -> float | None:
        """Return what share of packets was lost since the last judgement; None while it is too early to say."""
        if self._seen < (FIRST_PACKETS_TO_JUDGE if self._slow_start else PACKETS_TO_JUDGE):
            return None
        share = self._lost / self._seen
        self._seen = self._lost = 0
        self._usual_loss = min(self._usual_loss, share)
        return share

    def _learn_usual_loss(self, share: float, now: float) -> None:
        """Learn from the losses with a smaller window.

        Where too much was sent, less is lost now and no less arrives; else a like share is lost, and less arrives.
        """
        fewer = share < UNMOVED_SHARE * self._shrunk_for_loss
        if fewer or self._arriving(now) >= ARRIVING_SHARE * self._arrived_before:
            self._usual_loss = min(share, self._usual_loss)
        else:
            self._usual_loss = min(share, MAX_USUAL_LOSS)
            self._returns_to = self._before_loss
            self._slow_start = self._was_slow_start
        self._shrunk_for_loss = 0.0

    def _arriving(self, now: float) -> float:
        """Return the bytes a second that the round's acknowledgements told of."""
        return self._acked_bytes / (now - self._round_began_at)

    def _loss_decrease(self, share: float) -> float:
        """Return by what share to shrink for losses; 0 if there are no more than usual."""
        if share <= LOSS_TOLERANCE + USUAL_LOSSES * self._usual_loss:
            return 0.0
        return min(MOST_LOSS_DECREASE, max(LEAST_LOSS_DECREASE, share - self._usual_loss))

    def _back_off(self, delay: float, loss: float, share: float, now: float) -> None:
        window = self.window_bytes
        if not self._limited and 2 * self._peak_bytes < window:
            # What fills the queue is others' traffic; but more than was used has not been tried.
            window = max(2 * self._peak_bytes, self._initial_bytes)
            self.window_bytes = min(self.window_bytes, window)
            return
        if loss:
            self._shrunk_for_loss = share
            self._doubted_at = now
            self._arrived_before = self._arriving(now)
            self._before_loss = window
            self._was_slow_start = self._slow_start
        self._slow_start = False
        self._quiet_since = now
        deeper = delay + LOW_SECONDS / (self._delay + self._max_ack_delay) if delay else 0.0
        low = int(window * (1.0 - min(MOST_DELAY_DECREASE, max(deeper, LOSS_LOW if loss else 0.0))))
        self._shrink(int(window * (1.0 - max(delay * RETURN_GAIN, loss))), low)

    def _shrink(self, returns_to: int, low: int) -> None:
        """Make the window small for two rounds, to see what the path is like when it is not full."""
        self._settling = True
        self._returns_to = returns_to
        self.window_bytes = max(self._floor_bytes(), low)

    def _floor_bytes(self) -> int:
        """Return the least the window may be: over a long path more is on its way at the same rate."""
        base = min(self._base, self._base_before)
        return (
            self._min_bytes
            if base == NEVER
            else max(self._min_bytes, min(int(base * self._min_rate), MOST_FLOOR_BYTES))
        )

    def _return(self) -> None:
        self.window_bytes = max(self.window_bytes, self._returns_to)
        self._returns_to = 0

    def _grow(self, now: float) -> None:
        if self._slow_start:
            return  # grew with each acknowledgement
        step = int(STEP_BYTES * (now - self._quiet_since) * (now - self._round_began_at))
        most = max(LEAST_STEP_BYTES, int(self.window_bytes * STEP_SHARE))
        self.window_bytes = min(self.window_bytes + min(step, most), self._max_bytes)
