"""The window of hello: press, update, draw."""

import pygame

from ecsnet import RunningClient
from ecsnet.components import Transform2D
from ecsnet.samples.hello.game import Dot, Move


def main(client: RunningClient) -> None:
    """Show the dots until the window is closed."""
    screen, frames = pygame.display.set_mode((400, 300)), pygame.time.Clock()
    while client.disconnected is None and all(event.type != pygame.QUIT for event in pygame.event.get()):
        keys = pygame.key.get_pressed()
        client.press(Move(keys[pygame.K_RIGHT] - keys[pygame.K_LEFT], keys[pygame.K_DOWN] - keys[pygame.K_UP]))
        client.update()
        screen.fill("black")
        for _, (place, dot) in client.view(Transform2D, Dot):
            pygame.draw.circle(screen, dot.color, (place.x, place.y), 12)
        pygame.display.flip()
        frames.tick(60)
