"""Real sockets on the loopback interface, real processes."""
