"""The ring experiment's step in PyTorch's eager mode, as its users write it."""

import math
import time
from collections.abc import Callable
from functools import cache
from typing import Any


def step_seconds(method: str, steps: int) -> float:
    """Return the time of one step, the mean over so many."""
    step = make_step(consensus=method == "consensus")
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - began) / steps


@cache
def make_step(*, consensus: bool, gamma: float = 10.0) -> Callable[[], None]:
    """Return a function that draws a minibatch of 512 and moves both players once."""
    import torch
    from torch.nn.functional import softplus

    def perceptron(*sizes: int) -> Any:
        layers: list[Any] = []
        for index in range(len(sizes) - 1):
            layers += [torch.nn.Linear(sizes[index], sizes[index + 1]), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    generator, discriminator = perceptron(16, 16, 16, 16, 16, 2), perceptron(2, 16, 16, 16, 16, 1)
    theta, phi = list(generator.parameters()), list(discriminator.parameters())
    optimizer = torch.optim.RMSprop([*theta, *phi], lr=1e-4, alpha=0.9, eps=1e-10)
    grad: Any = torch.autograd.grad
    angle = 2 * math.pi * torch.arange(8) / 8
    modes = torch.stack([angle.cos(), angle.sin()], dim=1).repeat_interleave(64, dim=0)

    def step() -> None:
        real, latent = modes + 0.01 * torch.randn(512, 2), torch.randn(512, 16)
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
                g.detach() if e is None else g.detach() + gamma * e
                for g, e in zip(gradients, extra, strict=True)
            ]
        for parameter, gradient in zip([*theta, *phi], gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    return step
