"""Heat maps in a terminal: shades of blocks, with what they mean."""

from collections.abc import Iterator

from ecsnet.storage.heatmap import HeatMap

__all__ = ["CELL_CHARACTERS", "shade_lines"]

SHADES = " ░▒▓█"
CELL_CHARACTERS = 2  # beside each other: about a square


def shade_lines(heat: HeatMap) -> Iterator[str]:
    """Return a map as lines of text."""
    levels, bounds, grid = heat.levels(len(SHADES) - 1), heat.bounds(), heat.grid()
    edge = "─" * (CELL_CHARACTERS * len(grid[0]))
    yield f"({bounds.left:g}, {bounds.top:g})"
    yield f"┌{edge}┐"
    for row in grid:
        shades = (SHADES[sum(count >= level for level in levels)] for count in row)
        yield f"│{''.join(shade * CELL_CHARACTERS for shade in shades)}│"
    yield f"└{edge}┘"
    yield f"({bounds.right:g}, {bounds.bottom:g})".rjust(len(edge) + 2)
    yield "  ".join(f"{shade} {level}+" for shade, level in zip(SHADES[1:], levels, strict=True))
