"""Messages to datagrams and back: handshake, packets, reliability. It knows `now`, but no entity and no socket."""
