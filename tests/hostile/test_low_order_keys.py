"""Low-order keys: public keys that make every shared secret zero, so that anybody knows it."""

import pytest

from ecsnet.transport import hello
from ecsnet.transport.address import Address
from tests.transport.pair import Pair

# All encodings of the points of order 1, 2, 4 and 8 that X25519 takes, without those that differ in the ignored bit.
# Source: RFC 7748, section 6.1, and https://cr.yp.to/ecdh.html#validate.
P = 2**255 - 19
ORDER_8 = (
    0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
)
LOW_ORDER = [number.to_bytes(32, "little") for number in (0, 1, P - 1, P, P + 1, *ORDER_8)]


class Poisoned(Pair):
    """A path on which somebody replaces the public key of every datagram of one kind."""

    def __init__(self, kind: int, place: int, public: bytes) -> None:
        super().__init__(pins=())
        self._kind, self._place, self._public = kind, place, public

    def _send(self, datagrams: list[tuple[bytes, Address]], source: Address) -> None:
        super()._send([(self._poison(data), to) for data, to in datagrams], source)

    def _poison(self, data: bytes) -> bytes:
        if data[0] != self._kind:
            return data
        return data[: self._place] + self._public + data[self._place + len(self._public) :]


@pytest.mark.parametrize("public", LOW_ORDER, ids=lambda key: key[:4].hex())
@pytest.mark.parametrize(("kind", "place"), [(hello.DatagramType.CHALLENGE, 29), (hello.DatagramType.HELLO, 51)])
def test_low_order_keys_get_no_answer_and_cost_no_state(kind: int, place: int, public: bytes) -> None:
    """In a CHALLENGE without a pin and in a HELLO with a true cookie: no connection, no request, no exception."""
    pair = Poisoned(kind, place, public)
    pair.run(1)

    assert not pair.client.is_connected
    assert pair.endpoint.connections == {}
    assert pair.endpoint._handshakes.pending == 0
