"""Keyboard and gamepad to Move."""

import pygame

from ecsnet.samples.soccer.components import Move

__all__ = ["Controls"]

RIGHT_KEYS = (pygame.K_RIGHT, pygame.K_d)
LEFT_KEYS = (pygame.K_LEFT, pygame.K_a)
DOWN_KEYS = (pygame.K_DOWN, pygame.K_s)
UP_KEYS = (pygame.K_UP, pygame.K_w)
KICK_KEYS = (pygame.K_SPACE, pygame.K_RCTRL)
DEAD_ZONE = 0.4  # of a stick's way; below it counts as untouched


class Controls:
    """Reads what is held down; gamepads may come and go."""

    def __init__(self) -> None:
        """Know the gamepads that are plugged in."""
        self._pads: dict[int, pygame.joystick.JoystickType] = {}
        if pygame.joystick.get_init():
            for index in range(pygame.joystick.get_count()):
                self._add(index)

    def handle(self, event: pygame.event.Event) -> None:
        """Take note of a gamepad that was plugged in or out."""
        if event.type == pygame.JOYDEVICEADDED:
            self._add(event.device_index)
        elif event.type == pygame.JOYDEVICEREMOVED:
            self._pads.pop(event.instance_id, None)

    def read(self) -> Move:
        """Return what is pressed now, on any device."""
        keys = pygame.key.get_pressed()
        x = any(keys[key] for key in RIGHT_KEYS) - any(keys[key] for key in LEFT_KEYS)
        y = any(keys[key] for key in DOWN_KEYS) - any(keys[key] for key in UP_KEYS)
        kick = any(keys[key] for key in KICK_KEYS)
        for pad in self._pads.values():
            stick_x, stick_y = read_stick(pad)
            x, y = x or stick_x, y or stick_y
            kick = kick or bool(pad.get_numbuttons() and pad.get_button(0))
        return Move(x, y, kick)

    def _add(self, index: int) -> None:
        pad = pygame.joystick.Joystick(index)
        self._pads[pad.get_instance_id()] = pad


def read_stick(pad: pygame.joystick.JoystickType) -> tuple[int, int]:
    """Return where the left stick or the cross points, each axis -1, 0 or 1."""
    x = y = 0
    if pad.get_numhats():
        right, up = pad.get_hat(0)
        x, y = step(right), -step(up)
    if pad.get_numaxes() > 1:
        x = x or step(pad.get_axis(0))
        y = y or step(pad.get_axis(1))
    return x, y


def step(position: float) -> int:
    """Return -1, 0 or 1 for a stick's position on one axis."""
    return 0 if abs(position) < DEAD_ZONE else 1 if position > 0 else -1
