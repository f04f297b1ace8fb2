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
    """Return the ring's dense Jacobian v′, by reverse mode, some rows at once."""
    from torch.func import functional_call, grad, jacrev

    players, draw = torch_ring.ring_game(1, DEVICE)
    real, latent = draw()
    # θ and φ by the names of their tensors, and all of them as one vector.
    tensors = [dict(player.named_parameters()) for player in players]
    shapes = [tensor.shape for each in tensors for tensor in each.values()]
    sizes = [shape.numel() for shape in shapes]
    point = torch.cat([x.detach().reshape(-1) for each in tensors for x in each.values()])

    def loss_of(player: int, parameters: Any, other: Any) -> Any:
        chosen = [parameters, other] if player == 0 else [other, parameters]
        applied = [
            lambda x, net=net, of=of: functional_call(net, of, (x,))
            for net, of in zip(players, chosen, strict=True)
        ]
        return torch_ring.both_losses((applied[0], applied[1]), real, latent)[player]

    def v(flat: Any) -> Any:
        parts = iter(zip(flat.split(sizes), shapes, strict=True))
        both = [
            {name: part.reshape(shape) for name, (part, shape) in zip(each, parts, strict=False)}
            for each in tensors
        ]
        theta = grad(lambda mine: loss_of(0, mine, both[1]))(both[0])
        phi = grad(lambda mine: loss_of(1, mine, both[0]))(both[1])
        return -torch.cat([x.reshape(-1) for x in (*theta.values(), *phi.values())])

    matrix: Any = jacrev(v, chunk_size=task["chunk"])
    return lambda: matrix(point)


if __name__ == "__main__":
    serve(prepare)
