"""Two real ends of a stream: what the tests of streams play with."""

from collections.abc import Callable

from ecsnet.config import TransportConfig
from ecsnet.events import ConnectRequested
from ecsnet.testing.network import Link
from ecsnet.transport.address import StreamAddress
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from tests.transport.pair import APPLICATION, CHANNELS, CLIENT, SERVER, Pair

TO_SERVER, TO_CLIENT = StreamAddress(*SERVER, 1), StreamAddress(*CLIENT, 1)


class StreamPair(Pair):
    """A `Pair` whose client comes over a stream."""

    def __init__(
        self,
        *,
        link: Link = Link.PERFECT,
        seed: int = 1,
        config: TransportConfig | None = None,
        pins: tuple[bytes, ...] | None = None,
        accept: Callable[[Endpoint, ConnectRequested], None] | None = None,
    ) -> None:
        self._streams = 0
        super().__init__(link=link, seed=seed, config=config, pins=pins, accept=accept)

    def _join(self) -> Connection:
        self._streams += 1
        return Connection.connect(
            StreamAddress(*SERVER, self._streams),
            pins=self.pins,
            application_id=APPLICATION,
            credentials=b"credentials",
            channels=CHANNELS,
            config=self.config,
            entropy=self.entropy,
            now=self.now,
        )
