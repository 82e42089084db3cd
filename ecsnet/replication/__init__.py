"""How the server's world becomes bytes and a client's world again. Knows entities and ticks; knows no connection.

The way of one change, file by file:

    schema      what travels: the records of a game, their numbers, the fingerprint both sides must share
    codec       one record's values to bytes and back; made of `plans` and `compounds` by `generate`, its errors are
                `complaints`, and what it knows of entities among the values is `entityrefs`
    audiences   who gets a record
    detect      what changed since the last send tick; the chunks every member of an audience shares
    subscriber  what the server remembers of one client: what it knows, what it lacks, what is on its way
    agenda      what one client is told this tick, in order of importance
    assembly    one client's messages of one tick, cut to size
    sender      the server's side, put together
    frames      the layout of a state message; only this file knows it
    receiver    the client's side; `early` and `references` hold what came before what it belongs to
    news        what the client's game is told of it
    checks      whether a client holds what the server believes it does; both sides

Nothing is ever sent again as bytes. What a lost message carried is marked, and packed anew from current values. That
needs neither order nor history, and no client ever waits for another.
"""
