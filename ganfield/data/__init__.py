"""Distributions to imitate, and images."""

from ganfield.data._batch_sampler import Distribution as Distribution
from ganfield.data._batch_sampler import batch_sampler as batch_sampler
from ganfield.data._cifar import CIFAR10_CLASSES as CIFAR10_CLASSES
from ganfield.data._cifar import CIFAR10_MD5 as CIFAR10_MD5
from ganfield.data._cifar import cifar10 as cifar10
from ganfield.data._curves import Curves as Curves
from ganfield.data._curves import spiral as spiral
from ganfield.data._curves import two_moons as two_moons
from ganfield.data._digits import digits as digits
from ganfield.data._host_loader import HostLoader as HostLoader
from ganfield.data._idx import FASHION_MNIST_CLASSES as FASHION_MNIST_CLASSES
from ganfield.data._idx import fashion_mnist as fashion_mnist
from ganfield.data._idx import mnist as mnist
from ganfield.data._image_folder import image_folder as image_folder
from ganfield.data._images import Images as Images
from ganfield.data._images import fits_on_device as fits_on_device
from ganfield.data._images import to_float as to_float
from ganfield.data._images import to_uint8 as to_uint8
from ganfield.data._mixture import Mixture as Mixture
from ganfield.data._mixture import grid as grid
from ganfield.data._mixture import line as line
from ganfield.data._mixture import ring as ring
from ganfield.data._npz import load_npz as load_npz
from ganfield.data._npz import memory_mapped as memory_mapped
from ganfield.data._npz import save_npz as save_npz
