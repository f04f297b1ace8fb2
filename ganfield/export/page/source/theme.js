/** Light or dark: as the system has it, or as chosen. */

import { byId } from "./controls/dom.js";
import { DARK, LIGHT } from "./drawing/palette.js";
import { THEMES } from "./state.js";

/** @typedef {import("./drawing/palette.js").Palette} Palette */
/** @typedef {import("./state.js").Store} Store */

/** @param {Store} store @param {() => void} systemChanged @returns {{palette: () => Palette}} */
export function setUpTheme(store, systemChanged) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId("theme", HTMLButtonElement);
  const palette = () => {
    const { theme } = store.choices;
    return theme === "dark" || (theme === "auto" && system.matches) ? DARK : LIGHT;
  };
  const show = () => {
    document.documentElement.dataset.theme = palette().dark ? "dark" : "light";
    const { theme } = store.choices;
    button.textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
    button.setAttribute("aria-label", `Colours: ${theme}`);
  };
  button.addEventListener("click", () => {
    const next = (THEMES.indexOf(store.choices.theme) + 1) % THEMES.length;
    store.change({ theme: THEMES[next] });
  });
  system.addEventListener("change", () => {
    show();
    systemChanged();
  });
  store.listen((_, names) => {
    if (names.has("theme")) show();
  });
  show();
  return { palette };
}
