"""The image networks' steps in PyTorch's eager mode, as its users write them."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

GAMMA = 10.0


def device_name() -> str:
    """Return where PyTorch computes: an accelerator where it has one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def step_seconds(
    architecture: str,
    options: dict[str, Any],
    shape: tuple[int, int, int],
    method: str,
    batch_size: int,
    latent_size: int,
    steps: int,
) -> float:
    """Return the time of one step, the mean over so many."""
    import torch

    step = make_step(architecture, tuple(options.items()), shape, method, batch_size, latent_size)
    began = time.perf_counter()
    for _ in range(steps):
        step()
    if device_name() == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / steps


def device_memory() -> int:
    """Return the most bytes that PyTorch has held on an accelerator."""
    import torch

    return int(torch.cuda.max_memory_allocated()) if device_name() == "cuda" else 0


def networks(
    architecture: str, options: dict[str, Any], shape: tuple[int, int, int], latent_size: int
) -> tuple[Any, Any]:
    """Return the generator and the discriminator, channels first."""
    import torch
    from torch import nn

    side, _, channels = shape
    count, width = options.get("num_layers", 4), options["width"]
    growing, normal = options.get("growing", True), options.get("batch_norm", True)
    widths = [width * 2**i if growing else width for i in range(count)]
    base, residual = side // 2**count, architecture == "resnet"

    class Block(nn.Module):
        """x + 0.1·conv(lrelu(conv(lrelu(x))))."""

        def __init__(self, features: int, inner: int):
            super().__init__()
            self.narrow = nn.Conv2d(features, inner, 3, 1, 1)
            self.widen = nn.Conv2d(inner, features, 3, 1, 1)

        def forward(self, x: Any) -> Any:
            lrelu = nn.functional.leaky_relu
            return x + 0.1 * self.widen(lrelu(self.narrow(lrelu(x, 0.2)), 0.2))

    def activation() -> Any:
        return nn.ReLU() if count == 3 else nn.LeakyReLU(0.2)

    units = base * base * widths[-1]
    made: list[Any] = [nn.Linear(latent_size, units)]
    if normal and count == 3:
        made += [nn.BatchNorm1d(units, eps=1e-3)]
    made += [nn.Unflatten(1, (widths[-1], base, base))]
    if normal and count != 3:
        made += [nn.BatchNorm2d(widths[-1], eps=1e-3)]
    ends = [*reversed(widths), channels]
    for index in range(count):
        hidden = index < count - 1
        made += [
            activation(),
            nn.ConvTranspose2d(
                ends[index], ends[index + 1], 5, 2, 2, 1, bias=not (normal and hidden)
            ),
        ]
        made += [Block(ends[index + 1], ends[index + 1] // 2)] if residual and hidden else []
        made += [nn.BatchNorm2d(ends[index + 1], eps=1e-3)] if normal and hidden else []
    generator = nn.Sequential(*made, nn.Tanh())

    judged: list[Any] = []
    for index, (before, after) in enumerate(zip([channels, *widths], widths, strict=False)):
        judged += [nn.Conv2d(before, after, 5, 2, 2, bias=not (normal and index))]
        first = index == 0 and not growing
        judged += [Block(after, after if first else after // 2)] if residual else []
        judged += [nn.BatchNorm2d(after, eps=1e-3)] if normal and index else []
        judged += [nn.LeakyReLU(0.2)]
    discriminator = nn.Sequential(*judged, nn.Flatten(), nn.Linear(units, 1))
    device = torch.device(device_name())
    return generator.to(device), discriminator.to(device)


@cache
def make_step(
    architecture: str,
    options: tuple[tuple[str, Any], ...],
    shape: tuple[int, int, int],
    method: str,
    batch_size: int,
    latent_size: int,
) -> Callable[[], None]:
    """Return a function that draws minibatches from images on the device and moves both players."""
    import torch
    from torch.nn.functional import softplus

    device = torch.device(device_name())
    generator, discriminator = networks(architecture, dict(options), shape, latent_size)
    theta, phi = list(generator.parameters()), list(discriminator.parameters())
    side, _, channels = shape
    pixels = torch.randint(0, 256, (512, channels, side, side), dtype=torch.uint8, device=device)
    grad: Any = torch.autograd.grad

    def rmsprop(parameters: list[Any]) -> Any:
        return torch.optim.RMSprop(parameters, lr=1e-4, alpha=0.9, eps=1e-10)

    def draw() -> tuple[Any, Any]:
        chosen = torch.randint(0, len(pixels), (batch_size,), device=device)
        real = pixels[chosen].float() / 127.5 - 1
        return real, torch.randn(batch_size, latent_size, device=device)

    def follow(optimizer: Any, parameters: list[Any], gradients: Any) -> None:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    if method == "alternating":
        of_theta, of_phi = rmsprop(theta), rmsprop(phi)

        def alternating() -> None:
            real, latent = draw()
            with torch.no_grad():
                fake = generator(latent)
            loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
            follow(of_phi, phi, grad(loss, phi))
            _, latent = draw()
            follow(of_theta, theta, grad(softplus(-discriminator(generator(latent))).mean(), theta))

        return alternating

    both, consensus = rmsprop([*theta, *phi]), method == "consensus"

    def together() -> None:
        real, latent = draw()
        logits_fake, logits_real = discriminator(generator(latent)), discriminator(real)
        loss_theta = softplus(-logits_fake).mean()
        loss_phi = softplus(-logits_real).mean() + softplus(logits_fake).mean()
        gradients = [
            *grad(loss_theta, theta, retain_graph=True, create_graph=consensus),
            *grad(loss_phi, phi, create_graph=consensus),
        ]
        if consensus:
            half_square = sum((g * g).sum() for g in gradients) / 2
            # A parameter that ‖v‖² does not depend on keeps its plain gradient.
            extra = grad(half_square, [*theta, *phi], allow_unused=True)
            gradients = [
                g.detach() if e is None else g.detach() + GAMMA * e
                for g, e in zip(gradients, extra, strict=True)
            ]
        follow(both, [*theta, *phi], gradients)

    return together
