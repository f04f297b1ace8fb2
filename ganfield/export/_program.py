"""The ganfield program that makes the figure of a page, as a JavaScript function of the choice."""

from __future__ import annotations

import json
from typing import Any

_HEAD = """import importlib
import runpy

import jax
import jax.numpy as jnp
import optax

import ganfield as gf

jax.config.update("jax_enable_x64", True)"""
_BOUNDS = "bounds = gf.Players({bounds})"
_FIELD = """drawn = gf.plot.field({w}, bounds=bounds)
ax = drawn.lines.axes
zeros = gf.find_equilibria({w}, bounds=bounds)
classes = [gf.classify({w}, point, original=v) for point in zeros.points]
gf.plot.equilibria(classes, ax)"""
_RUNS = """method = {method}
starts = gf.Players(jnp.array({thetas}), jnp.array({phis}))
paths = gf.trajectories(method, {w}, starts, num_steps={steps})
gf.plot.trajectory(paths, ax, label="{label}", bounds=bounds)"""
_SAVE = 'ax.figure.savefig("figure.png")'


def programs(
    games: dict[str, str],
    transforms: dict[str, str],
    methods: dict[str, str],
    optimizers: dict[str, str],
) -> str:
    """Return the function ``programs(choice) -> text``.

    Args:
        games: name → Python that makes ``v``; "" where it is not known.
        transforms: name → the settings of its call.
        methods: name → its call, with ``{optimizer}`` to be filled in.
        optimizers: name → its call.

    All have the places of options as ``{0}``, ``{1}``, ….
    """
    parts: dict[str, Any] = {
        "games": games,
        "transforms": transforms,
        "methods": methods,
        "optimizers": optimizers,
        "head": _HEAD,
        "bounds": _BOUNDS,
        "field": _FIELD,
        "runs": _RUNS,
        "save": _SAVE,
    }
    return (
        f"(c=>{{const t={json.dumps(parts, ensure_ascii=False)},"
        "n=x=>Number.isInteger(x)&&Math.abs(x)<1e15?x+'.0':String(x),"
        "put=(text,of)=>text.replace(/\\{(\\w+)\\}/g,(all,k)=>k in of?of[k]:all),"
        "fill=text=>put(text,c.options.map(n)),"
        "own=c.field==='v',w=own?'v':'w',"
        "pairs=c.bounds.map(b=>`(${b.map(n).join(', ')})`).join(', '),"
        "list=k=>`[${c.starts.map(p=>n(p[k])).join(', ')}]`,"
        "game=fill(t.games[c.game])||'v = ...  # the field that this page was made of',"
        "lines=[t.head,game];"
        "if(!own)lines.push(`w = gf.field.${c.field}(v${fill(t.transforms[c.field])})`);"
        "lines.push(put(t.bounds,{bounds:pairs}),'',put(t.field,{w}));"
        "if(c.starts.length)lines.push(put(t.runs,{w,label:`${c.method}, ${c.optimizer}`,"
        "method:fill(put(t.methods[c.method],{optimizer:t.optimizers[c.optimizer]})),"
        "thetas:list(0),phis:list(1),steps:String(c.steps)}));"
        "lines.push(t.save,'');let text=lines.join('\\n');"
        "for(const m of['importlib','runpy'])"
        "if(!text.includes(m+'.'))text=text.replace(`import ${m}\\n`,'');"
        "return text.trimStart()})"
    )
