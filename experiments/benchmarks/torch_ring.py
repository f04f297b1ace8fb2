"""The ring experiment's step in PyTorch's eager mode, as its users write it."""

import math
import time
from collections.abc import Callable
from functools import cache
from typing import Any

Draw = Callable[[], tuple[Any, Any]]
"""``draw() -> (real, latent)``."""


def step_seconds(method: str, steps: int) -> float:
    """Return the time of one step, the mean over so many."""
    step = make_step(consensus=method == "consensus")
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - began) / steps


@cache
def make_step(
    *, consensus: bool, gamma: float = 10.0, runs: int = 1, device: str = "cpu"
) -> Callable[[], None]:
    """Return a function that draws a minibatch of 512 and moves both players once.

    With more than one run each has parameters and a minibatch of its own, and every operation is
    one for all of them.
    """
    import torch

    players, draw = ring_game(runs, device)
    parameters = [parameter for player in players for parameter in player.parameters()]
    optimizer = torch.optim.RMSprop(parameters, lr=1e-4, alpha=0.9, eps=1e-10)
    grad: Any = torch.autograd.grad

    def step() -> None:
        gradients = both_gradients(players, *draw(), differentiable=consensus)
        if consensus:
            half_square = sum((g * g).sum() for g in gradients) / 2
            # A parameter that ‖v‖² does not depend on keeps its plain gradient.
            extra = grad(half_square, parameters, allow_unused=True)
            gradients = [
                g.detach() if e is None else g.detach() + gamma * e
                for g, e in zip(gradients, extra, strict=True)
            ]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()

    return step


def ring_game(runs: int, device: str) -> tuple[tuple[Any, Any], Draw]:
    """Return the generator and the discriminator of so many runs, and what draws minibatches."""
    import torch

    players = (
        perceptron(16, 16, 16, 16, 16, 2, runs=runs),
        perceptron(2, 16, 16, 16, 16, 1, runs=runs),
    )
    angle = 2 * math.pi * torch.arange(8, device=device) / 8
    modes = torch.stack([angle.cos(), angle.sin()], dim=1).repeat_interleave(64, dim=0)
    size = (512,) if runs == 1 else (runs, 512)

    def draw() -> tuple[Any, Any]:
        noise = torch.randn(*size, 2, device=device)
        return modes + 0.01 * noise, torch.randn(*size, 16, device=device)

    return (players[0].to(device), players[1].to(device)), draw


def perceptron(*sizes: int, runs: int = 1) -> Any:
    """Return a perceptron with ReLUs; with more than one run, as many side by side."""
    import torch

    class Linears(torch.nn.Module):
        def __init__(self, inputs: int, outputs: int):
            super().__init__()
            bound = inputs**-0.5
            for name, shape in (("weight", (runs, inputs, outputs)), ("bias", (runs, 1, outputs))):
                first = torch.empty(shape).uniform_(-bound, bound)
                self.register_parameter(name, torch.nn.Parameter(first))

        def forward(self, x: Any) -> Any:
            return torch.baddbmm(self.bias, x, self.weight)

    linear: Any = torch.nn.Linear if runs == 1 else Linears
    layers: list[Any] = []
    for index in range(len(sizes) - 1):
        layers += [linear(sizes[index], sizes[index + 1]), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def both_losses(players: tuple[Any, Any], real: Any, latent: Any) -> tuple[Any, Any]:
    """Return θ's and φ's loss; the players may be any functions."""
    from torch.nn.functional import softplus

    def mean(losses: Any) -> Any:
        return losses.mean((-2, -1)).sum()  # The sum is over runs, which share no parameter.

    generator, discriminator = players
    logits_fake, logits_real = discriminator(generator(latent)), discriminator(real)
    loss_phi = mean(softplus(-logits_real)) + mean(softplus(logits_fake))
    return mean(softplus(-logits_fake)), loss_phi


def both_gradients(
    players: tuple[Any, Any], real: Any, latent: Any, *, differentiable: bool
) -> list[Any]:
    """Return the gradients of both players' own losses, θ's and then φ's: minus v."""
    import torch

    loss_theta, loss_phi = both_losses(players, real, latent)
    grad: Any = torch.autograd.grad
    theta, phi = (list(player.parameters()) for player in players)
    return [
        *grad(loss_theta, theta, retain_graph=True, create_graph=differentiable),
        *grad(loss_phi, phi, create_graph=differentiable),
    ]


def jacobian_seconds(batch_size: int, *, repeats: int = 3, chunk: int = 64) -> float:
    """Return the shortest time of a dense Jacobian of v in float64, by batched reverse mode.

    Those are the products that `torch.func.jacrev` makes of the same rows, so many at a time.
    """
    import torch

    players, draw = ring_game(1, "cpu")
    players = (players[0].double(), players[1].double())
    real, latent = (part[:batch_size].double() for part in draw())
    parameters = [parameter for player in players for parameter in player.parameters()]
    size = sum(parameter.numel() for parameter in parameters)
    grad: Any = torch.autograd.grad
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        gradients = both_gradients(players, real, latent, differentiable=True)
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        for units in torch.eye(size, dtype=flat.dtype).split(chunk):
            rows = grad(
                flat,
                parameters,
                units,
                retain_graph=True,
                is_grads_batched=True,
                materialize_grads=True,
            )
            torch.cat([row.reshape(len(units), -1) for row in rows], dim=1)
        times.append(time.perf_counter() - began)
    return min(times)
