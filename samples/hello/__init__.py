"""Hello: dots that move. The smallest whole game: a game module and a window, no networking code."""
