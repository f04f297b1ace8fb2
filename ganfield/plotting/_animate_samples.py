"""What a generator makes, as it is trained."""

from __future__ import annotations

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ganfield.checks import check_count
from ganfield.plotting._cloud import corner, draw_real, limit_of, lost, read_real, show_square
from ganfield.plotting._style import axes, paper


def animate_samples(
    samples: ArrayLike,
    ax: Axes | None = None,
    *,
    real: ArrayLike | None = None,
    steps: ArrayLike | None = None,
    limit: float | None = None,
    num_frames: int | None = None,
) -> FuncAnimation:
    """Animate samples in the plane over the records of a run: dots, one picture for each record.

    The axes are fixed, and nothing is drawn between records: a dot jumps. In the corner stands the
    step, with the share of the samples that the picture lacks where it is 1 % or more, and how many
    are not finite. The animation plays only as long as it is kept in a variable; `save_animation`
    writes it to a file.

    Args:
        samples: shape ``(records, n, 2)``, such as ``run.records["samples"]``.
        ax: where to draw; new axes if None.
        real: examples of the data, shape ``(m, 2)``, drawn below.
        steps: of the records, shape ``(records,)``, such as ``run.steps``; if None, the records
            are counted.
        limit: the square is [−limit, limit]². If None, all real examples fit; without any, all
            samples of the last finite record.
        num_frames: frames, spread evenly over the records, from the first to the last; one for each
            record if None.

    Returns:
        The animation.

    Raises:
        ValueError: the samples, the steps or the real examples are not of such shapes; there is no
            finite sample; the limit or the number of frames is not positive.

    Example:
        >>> import pathlib, tempfile, jax, numpy as np, ganfield as gf
        >>> real = np.asarray(gf.data.ring().sample(jax.random.key(0), 80))
        >>> samples = np.linspace(0, 1, 5)[:, None, None] * real
        >>> animation = gf.plot.animate_samples(samples, real=real, steps=100 * np.arange(5))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gf.plot.save_animation(animation, pathlib.Path(folder) / "ring.html", dpi=40)
    """
    points = np.asarray(samples, float)
    if points.ndim != 3 or points.shape[2] != 2 or 0 in points.shape:
        raise ValueError(f"samples must have shape (records, n, 2), got {points.shape}")
    whole = np.isfinite(points).all(axis=(1, 2))
    examples = read_real(real)
    if examples is None and limit is None and not whole.any():
        raise ValueError("samples must have a record that is finite, or limit must be given")
    at = np.arange(len(points)) if steps is None else np.asarray(steps)
    if at.shape != (len(points),):
        raise ValueError(
            f"steps must have shape ({len(points)},), one for each record, got {at.shape}"
        )
    count = len(points) if num_frames is None else check_count(num_frames, argument="num_frames")
    shown = np.linspace(0, len(points) - 1, count).round().astype(int)
    square = limit_of(limit, points[whole][-1] if examples is None and whole.any() else examples, 1)

    ax = axes(ax)
    show_square(ax, square)
    if examples is not None:
        draw_real(ax, examples, zorder=1)
    dots = ax.scatter(
        [], [], s=9, color="C0", edgecolors=[paper()], linewidths=0.3, zorder=3,
        label="generated",
    )  # fmt: skip
    # Above the axes, where no sample comes.
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2, markerscale=2)
    text = corner(ax)
    word = "record" if steps is None else "step"

    def draw(index: int) -> list[Artist]:
        record = int(shown[index])
        now = points[record]
        dots.set_offsets(now[np.isfinite(now).all(axis=1)])
        text.set_text("\n".join(filter(None, [f"{word} {at[record]:g}", lost(now, square)])))
        return [dots, text]

    draw(0)
    figure = ax.get_figure(root=True)
    assert figure is not None  # Axes that were removed from theirs.
    return FuncAnimation(figure, draw, frames=count, interval=50, init_func=lambda: draw(0))
