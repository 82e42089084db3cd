"""Soccer: two to six players, one ball, first to five goals.

Read it in this order: pitch (the numbers), components (the data), game (what it is made of), then the systems: match,
spawn, players, ball; who plays and when is the engine's Lobby. bot (with sight and tactics) and window (with all it
draws) are two kinds of client; neither knows that there is a network.
"""
