"""What is played: games in closed form, and games of two networks."""

from collections.abc import Callable

from ganfield.games._almost_bilinear import almost_bilinear
from ganfield.games._auxiliary_classifier_gan import auxiliary_classifier_gan
from ganfield.games._base import Game, general_sum, joint, zero_sum
from ganfield.games._bilinear import bilinear
from ganfield.games._conditional_gan import conditional_gan
from ganfield.games._covariance import covariance
from ganfield.games._dirac import dirac_gan
from ganfield.games._forsaken import forsaken
from ganfield.games._gan import gan
from ganfield.games._gaussian_mean import gaussian_mean
from ganfield.games._info_gan import info_gan
from ganfield.games._labels import append_one_hot
from ganfield.games._lattice import lattice
from ganfield.games._matching_pennies import matching_pennies
from ganfield.games._minimax import stable_non_minimax, unstable_minimax
from ganfield.games._objectives import OBJECTIVES, Objective
from ganfield.games._penalties import PENALTIES, Penalty, dragan, r1, r2, wgan_gp, zero_centred
from ganfield.games._quadratic import quadratic
from ganfield.games._sine import sine
from ganfield.games._two_attractors import two_attractors
from ganfield.games._unrolled import unrolled

GAMES: dict[str, Callable[..., Game]] = {
    "bilinear": bilinear,
    "quadratic": quadratic,
    "dirac_gan": dirac_gan,
    "covariance": covariance,
    "gaussian_mean": gaussian_mean,
    "almost_bilinear": almost_bilinear,
    "forsaken": forsaken,
    "two_attractors": two_attractors,
    "unstable_minimax": unstable_minimax,
    "stable_non_minimax": stable_non_minimax,
    "matching_pennies": matching_pennies,
    "sine": sine,
    "lattice": lattice,
}
"""Name → builder of the games in closed form; every builder works without arguments."""

__all__ = [
    "GAMES",
    "OBJECTIVES",
    "PENALTIES",
    "Game",
    "Objective",
    "Penalty",
    "almost_bilinear",
    "append_one_hot",
    "auxiliary_classifier_gan",
    "bilinear",
    "conditional_gan",
    "covariance",
    "dirac_gan",
    "dragan",
    "forsaken",
    "gan",
    "gaussian_mean",
    "general_sum",
    "info_gan",
    "joint",
    "lattice",
    "matching_pennies",
    "quadratic",
    "r1",
    "r2",
    "sine",
    "stable_non_minimax",
    "two_attractors",
    "unrolled",
    "unstable_minimax",
    "wgan_gp",
    "zero_centred",
    "zero_sum",
]
