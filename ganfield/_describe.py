"""What stands in a name: values and optimizers, in a few words."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganfield._types import Players

# What an optimizer's first step is called, where it is not "scale_by_" and the optimizer's name.
_ALIASES = {
    "scale_by_belief": "adabelief",
    "scale_by_rms": "rmsprop",
    "scale_by_rss": "adagrad",
    "scale_by_sign": "sign_sgd",
}


def describe(value: Any) -> str:
    """Return a value as it may stand in a name: numbers by value, arrays by shape.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> describe(1e-3), describe("js"), describe(jnp.ones((2, 3))), describe(optax.adam(1e-3))
        ('0.001', "'js'", 'float32[2,3]', 'adam(0.001)')
    """
    if isinstance(value, jax.core.Tracer):
        return "…"
    if isinstance(value, optax.GradientTransformation):
        return describe_optimizer(value)
    if isinstance(value, bool | str | None):
        return repr(value)
    if isinstance(value, int | float | complex | np.generic | np.ndarray | jax.Array):
        try:
            return _number(value)
        except RuntimeError:  # A donated array is gone, one of another host out of reach.
            return "…"
    if isinstance(value, Players) or type(value) in (tuple, list):
        name = "Players" if isinstance(value, Players) else ""
        return f"{name}({', '.join(map(describe, value))})"
    if type(value).__module__.startswith("ganfield"):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__name__)


def describe_optimizer(optimizer: optax.GradientTransformation) -> str:
    """Return what an optax transformation is, or "optimizer" where it does not show.

    Optax keeps no names, but its functions know where they were defined and what they closed over.

    Example:
        >>> import optax
        >>> describe_optimizer(optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, 0.9)))
        'chain(clip_by_global_norm(1), sgd(0.1, momentum=0.9))'
    """
    try:
        return _said(_parts(optimizer.init, optimizer.update))
    except Exception:  # Another version of optax may build them in any way.
        return "optimizer"


def _number(value: Any) -> str:
    if np.ndim(value):
        return f"{value.dtype}[{','.join(map(str, value.shape))}]"
    if jnp.issubdtype(jnp.result_type(value), jax.dtypes.prng_key):
        return "key"
    return f"{np.asarray(value).item():g}"


def _closure(function: Any) -> dict[str, Any]:
    return dict(inspect.getclosurevars(function).nonlocals)


def _parts(init: Any, update: Any) -> Any:
    """Return the name of a transformation and its options, or those of all in a chain."""
    name, inside = update.__qualname__.partition(".<locals>")[:2]
    if not inside:
        raise ValueError("what made it does not show")
    if name == "with_extra_args_support":
        inner = _closure(update)["tx"]
        return _parts(inner.init, inner.update)
    if name == "chain":
        pairs = zip(_closure(init)["init_fns"], _closure(update)["update_fns"], strict=True)
        return [_parts(*pair) for pair in pairs]
    return name, _closure(init) | _closure(update)


def _said(parts: Any) -> str:
    if isinstance(parts, tuple):
        return _call(*parts)
    steps = [part for part in parts if part != ("identity", {})]
    rate = _rate(steps[-1]) if steps else None
    if rate is not None and len(steps) == 1:
        return f"sgd({rate})"
    if rate is not None and len(steps) == 2 and isinstance(steps[0], tuple):
        name, options = steps[0]
        if name == "trace":
            return _call("sgd", {"momentum": options["decay"], **options}, rate)
        alias = _ALIASES.get(name, name.removeprefix("scale_by_"))
        if alias != name and hasattr(optax, alias):
            return _call(alias, options, rate)
    return f"chain({', '.join(map(_said, steps))})"


def _rate(part: Any) -> str | None:
    """Return the learning rate that the last step of a chain stands for, or None."""
    if not isinstance(part, tuple):
        return None
    name, options = part
    if name == "scale":
        rate = -options["step_size"]
        return describe(rate) if isinstance(rate, jax.core.Tracer) or rate >= 0 else None
    if name == "scale_by_schedule":
        schedule = _closure(options["step_size_fn"]).get("learning_rate")
        return None if schedule is None else schedule.__qualname__.partition(".<locals>")[0]
    return None


def _call(name: str, options: dict[str, Any], first: str | None = None) -> str:
    """Return a call with the numbers that are not as optax has them by default."""
    known = inspect.signature(getattr(optax, name, lambda: None)).parameters
    said = [] if first is None else [first]
    for option, value in options.items():
        if not isinstance(value, int | float | np.generic | np.ndarray | jax.Array):
            continue
        default = known[option].default if option in known else inspect.Parameter.empty
        if default is inspect.Parameter.empty:
            said += [describe(value)] if first is None and (option in known or not known) else []
        elif isinstance(value, jax.Array | np.ndarray) or value != default:
            said.append(f"{option}={describe(value)}")
    return f"{name}({', '.join(said)})" if said else name
