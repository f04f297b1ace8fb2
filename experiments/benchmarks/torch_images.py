"""The steps of a training preset in PyTorch's eager mode.

The same functions of as many parameters as ganfield's, tensor for tensor, up to their layout: here
channels come first and images are mirrored in both directions. That is what makes the padding of
PyTorch's layers, the same on both sides, the official code's, which has one pixel more behind.
"""

import json
import time
from collections.abc import Callable
from itertools import pairwise
from math import prod
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn.functional import batch_norm, leaky_relu, softplus

from image_workers import peak_memory, serve

EPSILON = 1e-3
Draw = Callable[[], tuple[Any, Any]]
"""``draw() -> (real, latent)``."""


class Normalise(nn.Module):
    """Batch norm by the batch alone, with a shift, and no scale and no running statistics."""

    scale: torch.Tensor

    def __init__(self, features: int):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(features))
        # PyTorch cannot differentiate a shift twice without a scale beside it.
        self.register_buffer("scale", torch.ones(features))

    def forward(self, x: Any) -> Any:
        """Normalise (batch, features, …)."""
        return batch_norm(x, None, None, self.scale, self.shift, training=True, eps=EPSILON)


class Residual(nn.Module):
    """x + 0.1·conv(lrelu(conv(lrelu(x))))."""

    def __init__(self, features: int, inner: int):
        super().__init__()
        self.narrow = nn.Conv2d(features, inner, 3, 1, 1)
        self.widen = nn.Conv2d(inner, features, 3, 1, 1)

    def forward(self, x: Any) -> Any:
        """Map an image to one of as many features."""
        return x + 0.1 * self.widen(leaky_relu(self.narrow(leaky_relu(x, 0.2)), 0.2))


class RMSProp:
    """TensorFlow 1's: n ← 0.9·n + 0.1·g² from n = 1, and x ← x − rate·g/√(n + 1e-10).

    On an accelerator all tensors share each operation; on a CPU that is slower.
    """

    def __init__(self, parameters: list[Any], rate: float, together: bool | None = None):
        self.parameters, self.rate = parameters, rate
        self.squares = [torch.ones_like(x) for x in parameters]
        self.together = parameters[0].is_cuda if together is None else together

    @torch.no_grad()
    def step(self, gradients: Any) -> None:
        """Move the parameters along −gradients."""
        if self.together:
            torch._foreach_mul_(self.squares, 0.9)
            torch._foreach_addcmul_(self.squares, gradients, gradients, value=0.1)
            roots = torch._foreach_add(self.squares, 1e-10)
            torch._foreach_sqrt_(roots)
            torch._foreach_addcdiv_(self.parameters, gradients, roots, value=-self.rate)
            return
        for x, g, n in zip(self.parameters, gradients, self.squares, strict=True):
            n.mul_(0.9).addcmul_(g, g, value=0.1)
            x.addcdiv_(g, (n + 1e-10).sqrt_(), value=-self.rate)


def networks(config: Any, shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Return the generator and the discriminator of a configuration, with their first weights."""
    made = generator(config.generator, config.latent_size, shape)
    judge = discriminator(config.discriminator, shape)
    for parameter in (*made.parameters(), *judge.parameters()):
        if parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)
        else:
            nn.init.zeros_(parameter)
    return made, judge


def perceptron(config: Any, inputs: int, outputs: int) -> list[Any]:
    """Return its layers."""
    sizes = [inputs, *[config.width] * config.num_layers, outputs]
    layers = [[nn.ReLU(), nn.Linear(a, b)] for a, b in pairwise(sizes)]
    return [layer for both in layers for layer in both][1:]


def layout(config: Any, shape: tuple[int, int, int]) -> tuple[list[int], tuple[int, int]]:
    """Return the features of a discriminator's layers, and the sides of the smallest image."""
    count, width = config.num_layers, config.width
    widths = [width * 2**index if config.growing else width for index in range(count)]
    return widths, (shape[0] // 2**count, shape[1] // 2**count)


def generator(config: Any, latent_size: int, shape: tuple[int, int, int]) -> Any:
    """Return a generator of images, channels first."""
    if config.architecture == "mlp":
        layers = perceptron(config, latent_size, prod(shape))
        return nn.Sequential(*layers, nn.Tanh(), nn.Unflatten(1, (shape[2], *shape[:2])))
    widths, base = layout(config, shape)
    residual, normal = config.architecture == "resnet", config.batch_norm
    units = base[0] * base[1] * widths[-1]
    by_unit = config.num_layers == 3 and not residual
    made: list[Any] = [nn.Linear(latent_size, units, bias=not (normal and by_unit))]
    made += [Normalise(units)] if normal and by_unit else []
    made += [nn.Unflatten(1, (widths[-1], *base))]
    made += [Normalise(widths[-1])] if normal and not by_unit else []
    for before, after in pairwise([*reversed(widths), 0]):
        made += [nn.ReLU() if by_unit else nn.LeakyReLU(0.2)]
        if not after:
            made += [nn.ConvTranspose2d(before, shape[2], 5, 2, 2, 1)]
            continue
        made += [nn.ConvTranspose2d(before, after, 5, 2, 2, 1, bias=not normal)]
        made += [Normalise(after)] if normal else []
        made += [Residual(after, after // 2)] if residual else []
    return nn.Sequential(*made, nn.Tanh())


def discriminator(config: Any, shape: tuple[int, int, int]) -> Any:
    """Return a discriminator of images, channels first."""
    if config.architecture == "mlp":
        return nn.Sequential(nn.Flatten(), *perceptron(config, prod(shape), 1))
    widths, base = layout(config, shape)
    judge: list[Any] = []
    for index, (before, after) in enumerate(pairwise([shape[2], *widths])):
        normal = config.batch_norm and index > 0
        judge += [nn.Conv2d(before, after, 5, 2, 2, bias=not normal)]
        judge += [Normalise(after)] if normal else []
        if config.architecture == "resnet":
            whole = index == 0 and not config.growing
            judge += [Residual(after, after if whole else after // 2)]
        judge += [nn.LeakyReLU(0.2)]
    return nn.Sequential(*judge, nn.Flatten(), nn.Linear(base[0] * base[1] * widths[-1], 1))


def losses(players: tuple[Any, Any], real: Any, latent: Any) -> tuple[Any, Any]:
    """Return both players' losses, those of the objective "standard"."""
    made, judge = players
    logits_fake, logits_real = judge(made(latent)), judge(real)
    loss_phi = softplus(-logits_real).mean() + softplus(logits_fake).mean()
    return softplus(-logits_fake).mean(), loss_phi


def directions(method: Any, players: tuple[Any, Any], real: Any, latent: Any) -> list[Any]:
    """Return minus the field that the method follows, for θ's parameters and then φ's."""
    grad: Any = torch.autograd.grad
    theta, phi = (list(player.parameters()) for player in players)
    loss_theta, loss_phi = losses(players, real, latent)
    twice = method.transform != "identity"
    of_theta = grad(loss_theta, theta, retain_graph=True, create_graph=twice)
    of_phi = grad(loss_phi, phi, retain_graph=twice, create_graph=method.transform == "consensus")
    if not twice:
        return [*of_theta, *of_phi]
    squared = {"consensus": [*of_theta, *of_phi], "smoothed": of_theta}[method.transform]
    moved = {"consensus": [*theta, *phi], "smoothed": phi}[method.transform]
    # A parameter that the norm does not depend on keeps its plain gradient.
    extra = grad(sum((g * g).sum() for g in squared) / 2, moved, allow_unused=True)
    kept = [None] * (len(theta) + len(phi) - len(moved))
    return [
        g.detach() if e is None else g.detach() + method.gamma * e
        for g, e in zip([*of_theta, *of_phi], [*kept, *extra], strict=True)
    ]


def stepper(method: Any, players: tuple[Any, Any], draw: Draw) -> Callable[[], None]:
    """Return a function that draws minibatches and moves both players."""
    grad: Any = torch.autograd.grad
    theta, phi = (list(player.parameters()) for player in players)
    made, judge = players
    if method.name == "simultaneous":
        both = RMSProp([*theta, *phi], method.learning_rate)
        return lambda: both.step(directions(method, players, *draw()))
    if (method.name, method.transform) != ("alternating", "identity"):
        raise ValueError(
            f"method must be one of the presets', got {method.name}, {method.transform}"
        )
    of_theta, of_phi = (RMSProp(each, method.learning_rate) for each in (theta, phi))

    def alternating() -> None:
        real, latent = draw()
        with torch.no_grad():
            fake = made(latent)
        loss = softplus(-judge(real)).mean() + softplus(judge(fake)).mean()
        of_phi.step(grad(loss, phi))
        _, latent = draw()
        of_theta.step(grad(softplus(-judge(made(latent))).mean(), theta))

    return alternating


def make_step(task: dict[str, Any]) -> Callable[[], None]:
    """Return a function that draws minibatches of random images and moves both players once."""
    config = json.loads(json.dumps(task["config"]), object_hook=lambda d: SimpleNamespace(**d))
    height, width, channels = task["shape"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    players = tuple(net.to(device) for net in networks(config, (height, width, channels)))
    size = 512, channels, height, width
    pixels = torch.randint(0, 256, size, dtype=torch.uint8, device=device)

    def draw() -> tuple[Any, Any]:
        chosen = torch.randint(0, len(pixels), (config.batch_size,), device=device)
        real = pixels[chosen].float() / 127.5 - 1
        return real, torch.randn(config.batch_size, config.latent_size, device=device)

    return stepper(config.method, (players[0], players[1]), draw)


def prepare(task: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return what takes the steps and says how long one took, as that of ganfield_images.py."""
    step, cuda = make_step(task), torch.cuda.is_available()

    def measure() -> dict[str, float]:
        began = time.perf_counter()
        for _ in range(task["steps"]):
            step()
        if cuda:
            torch.cuda.synchronize()
        seconds = (time.perf_counter() - began) / task["steps"]
        held = int(torch.cuda.max_memory_allocated()) if cuda else 0
        return {"step": seconds, "host": peak_memory(), "device": held}

    return measure


if __name__ == "__main__":
    serve(prepare)
