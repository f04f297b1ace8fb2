"""Distributions to imitate, and images."""

from ganfield.data._batch_sampler import Distribution, batch_sampler
from ganfield.data._cifar import CIFAR10_CLASSES, CIFAR10_MD5, cifar10
from ganfield.data._curves import Curves, spiral, two_moons
from ganfield.data._digits import digits
from ganfield.data._host_loader import HostLoader
from ganfield.data._idx import FASHION_MNIST_CLASSES, fashion_mnist, mnist
from ganfield.data._image_folder import image_folder
from ganfield.data._images import Images, fits_on_device, to_float, to_uint8
from ganfield.data._mixture import Mixture, grid, line, ring
from ganfield.data._npz import load_npz, memory_mapped, save_npz

__all__ = [
    "CIFAR10_CLASSES",
    "CIFAR10_MD5",
    "FASHION_MNIST_CLASSES",
    "Curves",
    "Distribution",
    "HostLoader",
    "Images",
    "Mixture",
    "batch_sampler",
    "cifar10",
    "digits",
    "fashion_mnist",
    "fits_on_device",
    "grid",
    "image_folder",
    "line",
    "load_npz",
    "memory_mapped",
    "mnist",
    "ring",
    "save_npz",
    "spiral",
    "to_float",
    "to_uint8",
    "two_moons",
]
