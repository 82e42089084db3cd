"""Knight: one fights barbarians for gold, in a terminal, by typing. The server decides every blow.

Read it in this order: rules (the numbers), components (the data), battle and market (what a knight can ask for),
muster, recovery and referee (the systems), game (what it is made of). bot and terminal are two kinds of client; neither
knows that there is a network.
"""
