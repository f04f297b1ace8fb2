"""Functions of JavaScript's run by Node, hundreds of them in one process."""

import json
import math
import shutil
import subprocess

import numpy as np

_RUN = """
const special = ["NaN", "Infinity", "-Infinity", "-0"];
const read = x => Array.isArray(x) ? x.map(read) : special.includes(x) ? Number(x) : x;
const said = x => x === undefined ? "undefined" : typeof x === "object" && x !== null
  ? Array.from(x, said) : typeof x === "number" && (!Number.isFinite(x) || Object.is(x, -0))
  ? (Object.is(x, -0) ? "-0" : String(x)) : x;
const jobs = JSON.parse(require("fs").readFileSync(0, "utf8"));
const out = jobs.map(([text, calls]) => {
  try { const f = eval(text); return calls.map(a => said(f(...read(a)))); }
  catch (error) { return String(error); }
});
process.stdout.write(JSON.stringify(out));
"""


def told(*arguments, **options):
    """Return what Node prints."""
    path = shutil.which("node")
    assert path is not None, "tests of exported JavaScript need Node on the path: node"
    done = subprocess.run(
        [path, *arguments], capture_output=True, text=True, timeout=250, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def encoded(value):
    """Return numbers as JSON can hold them: what it cannot as texts."""
    if isinstance(value, list | tuple):
        return [encoded(each) for each in value]
    if isinstance(value, float) and (not math.isfinite(value) or str(value) == "-0.0"):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN", "-0.0": "-0"}[str(value)]
    return value


def run(jobs):
    """Return what functions return: ``jobs`` of a text and the arguments of each of its calls."""
    given = json.dumps([(text, encoded(calls)) for text, calls in jobs])
    return json.loads(told("-e", _RUN, input=given))


def numbers(value):
    """Return a result as an array of float64."""
    assert not isinstance(value, str) or value in ("NaN", "Infinity", "-Infinity", "-0"), value
    if isinstance(value, list):
        return np.array([numbers(each) for each in value]).reshape(-1)
    return np.float64(value)
