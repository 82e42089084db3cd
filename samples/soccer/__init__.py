"""Soccer: two to six players, one ball, first to five goals.

Read it in this order: pitch (the numbers), components (the data), game (what it is made of), then the systems:
spawn, match, players, ball. bot and window are two kinds of client; neither knows that there is a network.
"""
