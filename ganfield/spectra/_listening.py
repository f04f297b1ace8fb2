"""Long calls that Ctrl-C ends."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import jax

_LARGE = 500  # rows of a matrix, whose eigenvalues take a tenth of a second
_PAUSE = 0.05  # seconds


def listening(function: Callable[..., Any], matrix: Any, *args: Any) -> Any:
    """Return what a function of a large matrix returns, and hear Ctrl-C while it is computed.

    Python hears signals between its own instructions, and one call of LAPACK may take hours. So it
    is made in another thread, which an interrupt leaves behind: it goes on to its end, or to that
    of the process.

    Args:
        function: ``function(matrix, *args)``, of NumPy or JAX.
        matrix: a small one is worth no thread.
        args: what the function takes besides.

    Raises:
        KeyboardInterrupt: after Ctrl-C; whatever the function raises.

    Example:
        >>> import numpy as np
        >>> listening(np.linalg.eigvalsh, np.diag([1.0, 2.0]))
        array([1., 2.])
    """
    if len(matrix) < _LARGE:
        return function(matrix, *args)
    answers: list[Any] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            answers.append(jax.block_until_ready(function(matrix, *args)))
        except BaseException as error:  # to be raised where it was asked for
            errors.append(error)

    # JAX keeps flags, such as that of float64, for each thread.
    double = jax.config.read("jax_enable_x64")

    def call_alike() -> None:
        with jax.enable_x64(double):
            call()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(call_alike,), daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_PAUSE)
    if errors:
        raise errors[0]
    return answers[0]
