"""Games that show the framework's way of doing things: start here, copy from here.

hello: dots that move, in under sixty lines with its window.
knight: remote calls and events, in a terminal.
soccer: a whole match for two to six players, in a window.

No sample holds any networking code. Run one with `ecsnet play hello`, `knight` or `soccer`.
"""

if __name__ != "ecsnet.samples":
    raise ImportError(
        f"the samples were imported as {__name__!r}; write `from ecsnet.samples import ...`, "
        "so that a game can have a folder `samples` of its own"
    )
