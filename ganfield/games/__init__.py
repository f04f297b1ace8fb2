"""What is played: games in closed form, and games of two networks."""

# isort: off
# Each of these registers itself; lists show them in this order, the simplest first.
from ganfield.games._bilinear import bilinear as bilinear
from ganfield.games._quadratic import quadratic as quadratic
from ganfield.games._dirac import dirac_gan as dirac_gan
from ganfield.games._covariance import covariance as covariance
from ganfield.games._gaussian_mean import gaussian_mean as gaussian_mean
from ganfield.games._almost_bilinear import almost_bilinear as almost_bilinear
from ganfield.games._forsaken import forsaken as forsaken
from ganfield.games._two_attractors import two_attractors as two_attractors
from ganfield.games._minimax import unstable_minimax as unstable_minimax
from ganfield.games._minimax import stable_non_minimax as stable_non_minimax
from ganfield.games._matching_pennies import matching_pennies as matching_pennies
from ganfield.games._sine import sine as sine
from ganfield.games._lattice import lattice as lattice

from ganfield.games._gan import gan as gan
from ganfield.games._conditional_gan import conditional_gan as conditional_gan
from ganfield.games._auxiliary_classifier_gan import (
    auxiliary_classifier_gan as auxiliary_classifier_gan,
)
from ganfield.games._info_gan import info_gan as info_gan
from ganfield.games._semi_supervised_gan import semi_supervised_gan as semi_supervised_gan
from ganfield.games._bigan import bigan as bigan
from ganfield.games._image_to_image import image_to_image as image_to_image

# isort: on
from ganfield.games._base import GAMES as GAMES
from ganfield.games._base import Game as Game
from ganfield.games._base import Outputs as Outputs
from ganfield.games._base import closed_forms as closed_forms
from ganfield.games._base import gans as gans
from ganfield.games._base import general_sum as general_sum
from ganfield.games._base import joint as joint
from ganfield.games._base import zero_sum as zero_sum
from ganfield.games._labels import append_one_hot as append_one_hot
from ganfield.games._objectives import OBJECTIVES as OBJECTIVES
from ganfield.games._objectives import Objective as Objective
from ganfield.games._penalties import PENALTIES as PENALTIES
from ganfield.games._penalties import Penalty as Penalty
from ganfield.games._penalties import dragan as dragan
from ganfield.games._penalties import r1 as r1
from ganfield.games._penalties import r2 as r2
from ganfield.games._penalties import wgan_gp as wgan_gp
from ganfield.games._penalties import zero_centred as zero_centred
from ganfield.games._unrolled import unrolled as unrolled
