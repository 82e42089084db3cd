"""Magnitudes: what places and velocities may be for movement to work with them, and what is said where they are not.

An input has a closed range, so no client can send such a value: it comes from the game's own arithmetic, is the
caller's mistake, and raises at once. Let in, one NaN would stop whatever it touches, far from the line that made it.
"""

from math import isfinite

from ecsnet.errors import SchemaError

__all__ = ["MOST_UNITS", "unusable"]

# Of places, of ways in a tick, of sizes. Beyond the world's 32,768 things may fly on, for years at 2,048 a second; but
# here places are still exact to 1/4096, and nothing that is worked out from them overflows.
MOST_UNITS = 2.0**40

_NUMBERS = ("x", "y", "half_width", "half_height", "radius")  # what movement reads of its components


def unusable(entity: int, *components: object) -> SchemaError:
    """Return the error that names the worst number of an entity's components: what is no number, else the greatest."""
    numbers = [
        (type(component).__name__, name, getattr(component, name))
        for component in components
        for name in _NUMBERS
        if hasattr(component, name)
    ]
    component_name, name, value = max(
        numbers, key=lambda number: abs(number[2]) if isfinite(number[2]) else float("inf")
    )
    return SchemaError(
        f"entity {entity}: {component_name}.{name} is {value!r}, no number that movement can work with "
        f"(below {MOST_UNITS:.0e}); find the system that assigned it"
    )
