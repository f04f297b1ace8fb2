"""What linear classifiers make of features, by the labels that they learn from."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer

from ganfield.evaluation import LinearProbe
from ganfield.plotting._curves import LINE_STYLES
from ganfield.plotting._style import axes


def probes(results: Mapping[str, LinearProbe], ax: Axes | None = None) -> list[ErrorbarContainer]:
    """Draw the accuracy of each probe by the number of labels of each class, with its error.

    Args:
        results: name → what `ganfield.evaluation.linear_probe` found, all for the same numbers of
            labels, as `ganfield.runs.probe` gives them.
        ax: where to draw; new axes if None.

    Returns:
        What was drawn of each.

    Raises:
        ValueError: there is none, or they are for other numbers of labels.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> probe = gf.evaluation.LinearProbe(
        ...     (10, None), np.array([0.8, 0.9]), np.array([0.01, np.nan]), ())
        >>> (drawn,) = gf.plot.probes({"pixels": probe})
        >>> drawn[0].axes.get_xticklabels()[1].get_text()
        'all'
    """
    numbers = {probe.labels_per_class for probe in results.values()}
    if len(numbers) != 1:
        raise ValueError(
            f"results must be probes for the same labels_per_class, got {sorted(map(str, numbers))}"
        )
    ax = axes(ax)
    labels = ["all" if count is None else str(count) for count in numbers.pop()]
    drawn = [
        ax.errorbar(
            range(len(labels)),
            probe.accuracy,
            probe.standard_error,
            label=name,
            linestyle=LINE_STYLES[index % len(LINE_STYLES)],
            marker="o",
            markersize=3,
            capsize=2,
        )
        for index, (name, probe) in enumerate(results.items())
    ]
    ax.set_xticks(range(len(labels)), labels)
    ax.set(xlabel="labels of each class", ylabel="test images right")
    ax.legend()
    return drawn
