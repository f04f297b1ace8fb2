"""What is played: games in closed form, and games of two networks."""

from collections.abc import Callable

from ganfield.games._base import Game, general_sum, joint, zero_sum
from ganfield.games._bilinear import bilinear
from ganfield.games._dirac import dirac_gan
from ganfield.games._gan import gan
from ganfield.games._objectives import OBJECTIVES, Objective
from ganfield.games._quadratic import quadratic

GAMES: dict[str, Callable[..., Game]] = {
    "bilinear": bilinear,
    "quadratic": quadratic,
    "dirac_gan": dirac_gan,
}
"""Name → builder of the games in closed form; every builder works without arguments."""

__all__ = [
    "GAMES",
    "OBJECTIVES",
    "Game",
    "Objective",
    "bilinear",
    "dirac_gan",
    "gan",
    "general_sum",
    "joint",
    "quadratic",
    "zero_sum",
]
