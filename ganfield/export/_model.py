"""The model of a page: games, fields and methods as the text of one JavaScript object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import jax

from ganfield.checks import check_bounds, lookup
from ganfield.configuration import keywords
from ganfield.export._moves import Move, move
from ganfield.export._opaque import opaque
from ganfield.export._parts import Part, Stepping, field_part, method_part
from ganfield.export._played import Played, played
from ganfield.export._program import programs
from ganfield.export._settings import (
    METHOD_NAMES,
    OPTIMIZERS,
    STEP_SIZE,
    Slider,
    check_sliders,
    check_used,
    numbers_of,
    optimizer,
    slider,
)
from ganfield.export._words import label, summary
from ganfield.field import TRANSFORMS

_V = ("v = −(∂loss_θ/∂θ, ∂loss_φ/∂φ)", "The game's own field: each player climbs its payoff.")
_MOST_LETTERS = 1300  # of the derivative of a step; where it takes more, the page takes differences
_MOST_STEP = 480  # letters of a step whose derivative is looked at
# Derivatives of w′ by differences, which only F′ of methods that differentiate w themselves needs.
_SECOND = (
    "f=>(x,o)=>{const at=k=>{const h=6e-6*(1+Math.abs(x[k])),move=s=>f.jacobian("
    "x.map((y,j)=>j===k?y+s*h:y),o),a=move(1),b=move(-1);return a.map((y,j)=>(y-b[j])/(2*h))},"
    "p=at(0),q=at(1);return p.flatMap((y,j)=>[y,q[j]])}"
)


def model(
    game_or_fields: Any,
    *,
    sliders: Mapping[str, Any] | None = None,
    transforms: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    optimizers: Sequence[str] | None = None,
    bounds: Any = (-2, 2),
    title: str | None = None,
    source: str | None = None,
    first: str = "v",
) -> str:
    """Return the model that a page is given, an expression of JavaScript's.

    Args:
        game_or_fields: as in `html`, and so are those that follow.
        sliders: likewise.
        transforms: likewise.
        methods: likewise.
        optimizers: likewise.
        bounds: likewise.
        title: likewise.
        source: Python that makes the game, for the programs of the page.
        first: the field that the page shows first, "v" or the name of a transform.
    """
    ranges = check_sliders(sliders)
    pairs = check_bounds(bounds)
    transforms = _names(transforms, [n for n in TRANSFORMS if n != "identity"])
    for name in transforms:
        lookup(TRANSFORMS, name, argument="transform")
    moves = {name: move(name) for name in _names(methods, METHOD_NAMES)}
    updates = {name: optimizer(name) for name in (optimizers or OPTIMIZERS)}
    with jax.enable_x64(True):
        games = played(game_or_fields, asked={*ranges}, source=source)
        every = _sliders(games, transforms, moves, [*updates], ranges)
        owned = {f"{each.owner}.{each.name}" for each in every if each.owner}
        check_used(ranges, {each.name for each in every} | owned)
        count = len(every)

        def places(of: str, owner: str, names: Any) -> dict[str, int]:
            at = {}
            for place, each in enumerate(every):
                if each.of == of and each.owner in (owner, "") and each.name in names:
                    at[each.name] = place
            return at

        bases = [
            field_part(one.build, places("game", one.name, one.numbers), count, base=True)
            for one in games
        ]
        made: dict[str, Part] = {}
        calls_of_transforms: dict[str, str] = {}
        for name in transforms:
            takes = numbers_of(TRANSFORMS[name])
            at = places("transform", name, takes)
            if STEP_SIZE in keywords(TRANSFORMS[name]):
                at[STEP_SIZE] = 0
            made[name] = _transformed(name, _key(at))
            calls_of_transforms[name] = _call(at)
        steppings: list[tuple[str, str, Stepping]] = []
        calls_of_methods: dict[str, str] = {}
        for name, made_by in moves.items():
            own = places("method", name, made_by.settings)
            calls_of_methods[name] = made_by.program({k: f"{{{at}}}" for k, at in own.items()})
            for update in updates:
                at = places("optimizer", update, updates[update].settings)
                steppings.append((name, update, _stepping(name, update, _key(own), _key(at))))
    needs: dict[str, str] = {"second": _SECOND}
    for part in (*bases, *made.values(), *(each.part for *_, each in steppings)):
        needs |= part.needs
    facts = {
        "title": title or (games[0].label if len(games) == 1 else _common(game_or_fields, games)),
        "parameters": ["θ", "φ"],
        "bounds": [list(pair) for pair in pairs],
        "sliders": [each.record() for each in every],
        "games": [
            {"name": one.name, "label": one.label, "formula": one.formula, "doc": one.doc}
            for one in games
        ],
    }
    text = programs(
        {one.name: _filled(one.program, places("game", one.name, one.numbers)) for one in games},
        calls_of_transforms,
        calls_of_methods,
        {
            n: _filled(u.program, {STEP_SIZE: 0, **places("optimizer", n, u.settings)})
            for n, u in updates.items()
        },
    )
    said = json.dumps(facts, ensure_ascii=False)
    helpers = "".join(f"const {name}={value};" for name, value in needs.items())
    whole = (
        f"(()=>{{{helpers}return {{...{said},fields:{_fields(bases, made, first)},"
        f"methods:{_methods(steppings, moves)},programs:{text}}}}})()"
    )
    return safe(whole)


def safe(text: str) -> str:
    r"""Return JavaScript that cannot end the element of the page that it stands in.

    Example:
        >>> safe('"</script>"')
        '"\\u003c/script>"'
    """
    for mark, instead in (
        ("</", "\\u003c/"),
        ("<!", "\\u003c!"),
        ("<s", "\\u003cs"),
        ("<S", "\\u003cS"),
    ):
        text = text.replace(mark, instead)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _names(given: Sequence[str] | None, default: Sequence[str]) -> list[str]:
    if given is None:
        return [*default]
    return list(dict.fromkeys([given] if isinstance(given, str) else given))


def _sliders(
    games: list[Played],
    transforms: Sequence[str],
    moves: Mapping[str, Move],
    optimizers: Sequence[str],
    ranges: Mapping[str, Any],
) -> list[Slider]:
    """Return the sliders: the step size, and those of optimizers, methods, transforms, games."""
    every = [slider(STEP_SIZE, "optimizer", "", 0.1, None, ranges)]
    every[0] = every[0]._replace(doc="How far a step goes along the field.")
    for name in optimizers:
        for setting, value in optimizer(name).settings.items():
            every.append(slider(setting, "optimizer", name, value, None, ranges))
    for name, made_by in moves.items():
        for setting, value in made_by.settings.items():
            one = slider(setting, "method", name, value, None, ranges)
            every.append(one._replace(doc=made_by.docs[setting]))
    for name in transforms:
        builder = TRANSFORMS[name]
        for setting, value in numbers_of(builder).items():
            every.append(slider(setting, "transform", name, value, builder, ranges))
    owners: dict[str, list[Played]] = {}
    for one in games:
        for setting in one.numbers:
            owners.setdefault(setting, []).append(one)
    for setting, several in owners.items():
        owner = several[0].name if len(several) == 1 and len(games) > 1 else ""
        value, own = several[0].numbers[setting], several[0].builder
        every.append(slider(setting, "game", owner, value, own, ranges))
    return every


@cache
def _transformed(name: str, places: tuple[tuple[str, int], ...]) -> Part:
    """Return a transform as JavaScript, which no game changes."""
    count = 1 + max(dict(places).values(), default=0)
    return field_part(lambda own: TRANSFORMS[name](opaque, **own), dict(places), count, base=False)


def _key(places: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(places.items())


@cache
def _stepping(
    name: str,
    update: str,
    of_method: tuple[tuple[str, int], ...],
    of_optimizer: tuple[tuple[str, int], ...],
) -> Stepping:
    """Return a method as JavaScript, which no game changes."""
    own, its = dict(of_method), dict(of_optimizer)
    # The two may have settings of one name.
    places = {STEP_SIZE: 0}
    places |= {f"method.{key}": place for key, place in own.items()}
    places |= {f"optimizer.{key}": place for key, place in its.items()}

    def build(settings: dict[str, Any]) -> Any:
        rule = optimizer(update).build(
            settings[STEP_SIZE], **{key: settings[f"optimizer.{key}"] for key in its}
        )
        return move(name).build(rule, {key: settings[f"method.{key}"] for key in own})

    count = 1 + max(places.values())
    return method_part(build, places, count, most_step=_MOST_STEP, most=_MOST_LETTERS)


def _filled(text: str, places: Mapping[str, int]) -> str:
    for name, place in places.items():
        text = text.replace(f"{{{name}}}", f"{{{place}}}")
    return text


def _call(places: Mapping[str, int]) -> str:
    return "".join(f", {name}={{{place}}}" for name, place in places.items())


def _common(given: Any, games: list[Played]) -> str:
    if isinstance(given, Mapping):
        return ", ".join(one.label for one in games)
    return label(games[0].builder.__name__) if games[0].builder else games[0].label


def _fields(bases: list[Part], made: dict[str, Part], first: str) -> str:
    """Return the expression of all fields: v of each game, and the transforms of each."""
    texts = ",".join(part.text() for part in bases)
    facts = {
        name: dict(zip(("formula", "doc"), summary(TRANSFORMS[name]), strict=True)) for name in made
    }
    said = {name: {"name": name, "label": label(name), **fact} for name, fact in facts.items()}
    own = {"name": "v", "label": "v", "formula": _V[0], "doc": _V[1]}
    parts = ",".join(f"{name}:{part.text()}" for name, part in made.items())
    return (
        f"(()=>{{const made={{{parts}}},said={json.dumps(said, ensure_ascii=False)},"
        "of=(k,f)=>{const m=made[k],w={value:(x,o)=>m.value(f,x,o),"
        "jacobian:(x,o)=>m.jacobian(f,x,o)};w.second=second(w);return w},"
        f"v={json.dumps(own, ensure_ascii=False)};"
        f"return [{texts}].flatMap((f,game)=>[{{game,...v,...(f.second??=second(f),f)}},"
        "...Object.keys(made).map(k=>({game,...said[k],...of(k,f)}))])"
        f".sort((a,b)=>a.game-b.game||(b.name==={first!r})-(a.name==={first!r}))}})()"
    )


def _methods(steppings: list[tuple[str, str, Stepping]], moves: Mapping[str, Move]) -> str:
    """Return the expression of all methods, each with each optimizer."""
    texts = []
    for name, update, stepping in steppings:
        fact = {"name": name, "optimizer": update, "size": stepping.size}
        parts = ",".join(f"{key}:{text}" for key, text in stepping.part.functions.items())
        texts.append(f"{{...{json.dumps(fact)},{parts}}}")
    said = {name: {"label": one.label, "doc": one.doc} for name, one in moves.items()}
    facts = json.dumps(said, ensure_ascii=False)
    return f"(said=>[{','.join(texts)}].map(m=>({{...said[m.name],...m}})))({facts})"
