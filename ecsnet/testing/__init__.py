"""Testing games without sockets, threads or waiting: a virtual network, a simulation, a pytest plugin."""
