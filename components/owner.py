"""Owner: the client whose input drives an entity."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Owner"]


@component(track="push")
class Owner:
    """The client an entity answers to. Written by the server; read by input, replication, remote calls, prediction.

    Owning is not deciding: authority stays with the server.
    """

    client_id: NetVar[int] = netvar(0, low=0, high=0xFFFFFFFF)  # 0: the server
