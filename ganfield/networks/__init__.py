"""Networks for either player, written in Flax; the only place that imports it."""

from ganfield.networks import _flax as _flax  # First, for it says what brings Flax.

# isort: off
# Each of these registers itself; lists show them in this order, the simplest first.
from ganfield.networks._mlp import mlp as mlp
from ganfield.networks._dcgan import dcgan_generator as dcgan_generator
from ganfield.networks._dcgan import dcgan_discriminator as dcgan_discriminator
from ganfield.networks._resnet import resnet_generator as resnet_generator
from ganfield.networks._resnet import resnet_discriminator as resnet_discriminator
from ganfield.networks._unet import unet as unet

# isort: on
from ganfield.networks._classifier import ClassifierNetwork as ClassifierNetwork
from ganfield.networks._classifier import classifier as classifier
from ganfield.networks._inception import INCEPTION_SIZE as INCEPTION_SIZE
from ganfield.networks._inception import inception as inception
from ganfield.networks._inception import inception_shapes as inception_shapes
from ganfield.networks._mlp import MLP as MLP
from ganfield.networks._network import NETWORKS as NETWORKS
from ganfield.networks._network import Network as Network
from ganfield.networks._network import from_linen as from_linen
from ganfield.networks._network import from_nnx as from_nnx
from ganfield.networks._spectral_norm import spectral_norm as spectral_norm
