/** Which game, field, method and optimizer. */

import { WHY } from "../text.js";
import { byId, fillSelect, why } from "./dom.js";

/** @typedef {import("../model.js").Model} Model */
/** @typedef {import("../state.js").Choices} Choices */
/** @typedef {import("../state.js").Store} Store */

/** @param {Model} model @param {Store} store */
export function setUpMenus(model, store) {
  const [game, field, method, optimizer] = ["game", "field", "method", "optimizer"].map((id) =>
    byId(id, HTMLSelectElement),
  );
  const { fields, games, methods } = model;

  /** @param {Choices} choices */
  const show = (choices) => {
    const own = fields[choices.field];
    const moved = methods[choices.method];
    fillSelect(
      game,
      games.map(({ label }, index) => ({ value: String(index), label })),
      String(own.game),
    );
    const ofGame = fields.filter((each) => each.game === own.game);
    fillSelect(
      field,
      ofGame.map(({ name, label }) => ({ value: name, label })),
      own.name,
    );
    const names = methods.filter(
      ({ name }, index) => methods.findIndex((m) => m.name === name) === index,
    );
    fillSelect(
      method,
      names.map(({ name, label }) => ({ value: name, label })),
      moved.name,
    );
    const optimizers = methods.filter(({ name }) => name === moved.name);
    fillSelect(
      optimizer,
      optimizers.map((each) => ({ value: each.optimizer, label: each.optimizer })),
      moved.optimizer,
    );
    byId("formula-game", HTMLElement).textContent = games[own.game].formula;
    byId("formula-field", HTMLElement).textContent = own.formula;
  };

  game.addEventListener("change", () => {
    const place = Number(game.value);
    const { name } = fields[store.choices.field];
    const same = fields.findIndex((each) => each.game === place && each.name === name);
    const first = fields.findIndex((each) => each.game === place);
    store.change({ field: same < 0 ? first : same });
  });
  field.addEventListener("change", () => {
    const own = fields[store.choices.field].game;
    store.change({
      field: fields.findIndex((each) => each.game === own && each.name === field.value),
    });
  });
  method.addEventListener("change", () => {
    const same = methods.filter(({ name }) => name === method.value);
    const kept = methods[store.choices.method].optimizer;
    const next = same.find((each) => each.optimizer === kept) ?? same[0];
    store.change({ method: methods.indexOf(next) });
  });
  optimizer.addEventListener("change", () => {
    const { name } = methods[store.choices.method];
    const same = methods.filter((each) => each.name === name);
    const next = same.find((each) => each.optimizer === optimizer.value) ?? same[0];
    store.change({ method: methods.indexOf(next) });
  });

  const one = () => fields[store.choices.field];
  const renewals = [
    explain("game", "the game", () => `${WHY.game} ${games[one().game].doc}`),
    explain("field", "this field", () => `${WHY.field} ${one().doc}`),
    explain("method", "this method", () => `${WHY.method} ${methods[store.choices.method].doc}`),
    explain("optimizer", "the optimizer", WHY.optimizer),
  ];
  byId("game-row", HTMLElement).hidden = games.length < 2;
  store.listen((choices, changed) => {
    if (!changed.has("field") && !changed.has("method")) return;
    show(choices);
    for (const renew of renewals) renew();
  });
  show(store.choices);
}

/** Put the explanation of a control beside its label; returns what brings it up to date. @param {string} id @param {string} about @param {string | (() => string)} sentence */
export function explain(id, about, sentence) {
  const row = byId(`${id}-row`, HTMLElement);
  const { button, text, renew } = why(about, sentence);
  row.querySelector("label, h2, .hint")?.after(button);
  row.append(text);
  return renew;
}
