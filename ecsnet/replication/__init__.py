"""How the server's world becomes bytes and a client's world again. Knows entities and ticks; knows no connection.

The way of one change, file by file. What travels, and as which bytes; both sides:

    schema      the records of a game, their numbers, the fingerprint both sides must share
    codec       one record's values to bytes and back; made of `plans` and `compounds` by `generate`, its errors are
                `complaints`, and what it knows of entities among the values is `entityrefs`
    frames      the layout of a state message; only this file knows it

What changed, and whom it concerns; the server, once for all clients:

    detect      what changed since the last send tick
    kinds       the entities as they were last encoded, and of each who sees it: its standing
    rules       what the game says about who sees what: `Rooms`, `Team`, `VisibleTo`, `Parent` ...
    grid        the cells that `Near` and `Viewer` go by
    standpoints where each client looks from
    audiences   who gets a record, and the views of clients on them
    interest    all of these put together: what comes into whose view and goes out of it
    broadcast   the frame of each audience, cut into `chunks` that all its clients share
    checks      what rests is checked in rotation; also the client's end of that

What one client is told; the server, once for each:

    subscriber  what it knows, what it lacks, what is on its way
    names       the network ids of entities toward it
    steering    what its inputs drive, for its prediction
    agenda      all that is due this tick, in order of importance
    assembly    its messages of one tick, cut to size
    explain     the same for people: why does it not see that?
    sender      the server's side, put together

What a client makes of it:

    receiver    messages into its World; `early` and `references` hold what came before what it belongs to
    news        what its game is told of it

Nothing is ever sent again as bytes. What a lost message carried is marked, and packed anew from current values. That
needs neither order nor history, and no client ever waits for another.
"""
