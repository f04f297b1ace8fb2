"""Run a page's examples as cells of a notebook, then own ones, and print what each shows, as JSON.

The shell is IPython's with a kernel in name only: what is shown is formatted as for a browser, and
there are no widgets.
"""

import contextlib
import doctest
import io
import json
import sys
import warnings
from pathlib import Path

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

BAR = """\
with gf.progress_bar("a <b>", 4, lambda record: f"loss {record}") as progress:
    for step in range(1, 5):
        progress(step, 1 / step)
"""


def main(page, *names):
    warnings.simplefilter("error")
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.kernel = "none"
    shell.display_pub = CapturingDisplayPublisher()
    examples = doctest.DocTestParser().get_examples(Path(page).read_text("utf-8"))
    cells = [(each.source, bool(each.exc_msg)) for each in examples]
    cells += [(source, False) for source in (*names, BAR)]
    for source, fails in cells:
        before = len(shell.display_pub.outputs)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            result = shell.run_cell(source)
        html = [each["data"].get("text/html") for each in shell.display_pub.outputs[before:]]
        if result.result is not None:
            html.append(shell.display_formatter.format(result.result)[0].get("text/html"))
        said = {
            "source": source,
            "fails": fails,
            "failed": not result.success,
            "html": html,
            "stderr": err.getvalue(),
            "error": repr(result.error_in_exec or result.error_before_exec),
        }
        sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
