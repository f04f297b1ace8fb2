"""The same in PyTorch, eager or compiled."""

import time
from collections.abc import Callable
from typing import Any

import torch

import torch_images
import torch_ring
from gpu_peers import Prepared, Task, serve

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def prepare(task: Task) -> Prepared:
    """Warm a task up, and return what measures a step of it.

    Args:
        task: as `gpu_jax.prepare`; "compiled" says whether the step is one compiled graph.
    """
    fast = task["precision"] != "float32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = fast
    torch.backends.cudnn.benchmark = True
    makers: dict[str, Callable[[Task], Callable[[], Any]]] = {
        "product": product,
        "copy": copy,
        "ring": ring,
        "jacobian": jacobian,
        "images": torch_images.make_step,
    }
    began = time.perf_counter()
    step = in_precision(makers[task["kind"]](task), task)
    if task["compiled"]:
        step = compiled(step)
    for _ in range(3):
        step()
    synchronize()
    about = {"prepare": time.perf_counter() - began}

    def measure() -> float:
        before = time.perf_counter()
        for _ in range(task["steps"]):
            step()
        synchronize()
        return (time.perf_counter() - before) / task["steps"] / task.get("runs", 1)

    return measure, about


def in_precision(step: Callable[[], Any], task: Task) -> Callable[[], Any]:
    """Return a step whose products and convolutions are in bfloat16, if the task says so."""
    if task["precision"] != "bfloat16" or task["kind"] == "product":
        return step

    def cast() -> Any:
        with torch.autocast(DEVICE, torch.bfloat16):
            return step()

    return cast


def compiled(step: Callable[[], Any]) -> Callable[[], Any]:
    """Return a whole step, drawing, derivatives of any order and optimizer, as one compiled graph.

    `torch.compile` alone cannot differentiate twice; what is traced first has only operations.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    traced = make_fx(step)()
    for node in reversed(traced.graph.nodes):
        if "profiler" in str(node.target):  # An optimizer's mark for profilers splits the graph.
            traced.graph.erase_node(node)
    traced.recompile()
    graph: Any = torch.compile(traced, fullgraph=True)

    def run() -> Any:
        with torch.no_grad():
            return graph()

    return run


def synchronize() -> None:
    """Wait for the GPU, if there is one."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def product(task: Task) -> Callable[[], Any]:
    """Return a product of two square matrices."""
    dtype = torch.bfloat16 if task["precision"] == "bfloat16" else torch.float32
    size = task["size"], task["size"]
    a, b = (torch.randn(size, device=DEVICE).to(dtype) for _ in range(2))
    return lambda: a @ b


def copy(task: Task) -> Callable[[], Any]:
    """Return what reads an array and writes as many bytes."""
    x = torch.ones(task["size"], device=DEVICE)
    y = torch.empty_like(x)
    return lambda: y.copy_(x)


def ring(task: Task) -> Callable[[], Any]:
    """Return a step of the ring experiment, of one run or of several."""
    consensus = task["method"] == "consensus"
    # Its other arguments are kept by those it was called with: a new step for every task.
    torch_ring.make_step.cache_clear()
    return torch_ring.make_step(consensus=consensus, runs=task["runs"], device=DEVICE)


def jacobian(task: Task) -> Callable[[], Any]:
    """Return the ring's dense Jacobian, some rows at once, as v's is (minus the gradients')."""
    players, draw = torch_ring.ring_game(1, DEVICE)
    parameters = [parameter for player in players for parameter in player.parameters()]
    real, latent = draw()
    count = sum(parameter.numel() for parameter in parameters)
    chunks = torch.eye(count, device=DEVICE).split(task["chunk"])
    grad: Any = torch.autograd.grad

    def matrix() -> Any:
        gradients = torch_ring.both_gradients(players, real, latent, differentiable=True)
        v = -torch.cat([gradient.reshape(-1) for gradient in gradients])
        rows = []
        for chunk in chunks:
            row = grad(
                v,
                parameters,
                chunk,
                retain_graph=True,
                is_grads_batched=True,
                allow_unused=True,
                materialize_grads=True,
            )
            rows.append(torch.cat([part.reshape(len(chunk), -1) for part in row], 1))
        return torch.cat(rows)

    return matrix


if __name__ == "__main__":
    serve(prepare)
