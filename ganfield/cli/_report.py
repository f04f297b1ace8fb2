"""``ganfield report``: a run on one page."""

from pathlib import Path
from typing import Any

import jax

import ganfield as gf
from ganfield.cli._help import options
from ganfield.cli._options import File, Json, RunFolder
from ganfield.cli._show import tell
from ganfield.cli._words import in_words


@options
class Report:
    """Write one HTML page of a run: curves, samples, scores, configuration, what happened.

    The page is one file that needs no network. The run may still be going on, and nothing in its
    folder changes. What is missing or damaged there is said, and the rest is shown.

    Try:
      ganfield report run --output report.html
    """

    folder: RunFolder
    """The run's folder."""
    output: File[Path]
    """The page, an .html file; its folder is made if need be."""
    json: Json = False

    def run(self) -> int:
        """Write the page, and say where."""
        # Commands run in float64; networks were trained in float32.
        with jax.enable_x64(False), in_words({r"^(the folder of )?output\b": r"\1--output"}):
            report = gf.runs.report(self.folder, self.output)
        tell(self, report)
        return 0

    def record(self, report: "gf.runs.Report") -> dict[str, Any]:
        """Return what was written for JSON."""
        return {"run": self.folder, **report._asdict()}

    def say(self, report: "gf.runs.Report") -> None:
        """Print what was written, and what is missing in it."""
        for each in report.missing:
            print(f"missing: {each}")
        print(f"wrote {report.output}")
