/** Elements, made and sought. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean>} attributes false leaves one out
 * @param {(Node | string)[]} children strings become text, never markup
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const sought = document.getElementById(id);
  if (!(sought instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return sought;
}

/** A button that opens and closes one sentence. @param {string} about @param {string | (() => string)} sentence @returns {{button: HTMLButtonElement, text: HTMLParagraphElement, renew: () => void}} */
export function why(about, sentence) {
  const id = `why-${(why.count += 1)}`;
  const text = element("p", { id, class: "why", hidden: true });
  const label = `What is ${about}?`;
  const button = element(
    "button",
    {
      type: "button",
      class: "ask",
      "aria-label": label,
      title: label,
      "aria-expanded": "false",
      "aria-controls": id,
    },
    "?",
  );
  const renew = () => {
    if (!text.hidden) text.textContent = typeof sentence === "string" ? sentence : sentence();
  };
  button.addEventListener("click", () => {
    text.hidden = !text.hidden;
    renew();
    button.setAttribute("aria-expanded", String(!text.hidden));
  });
  return { button, text, renew };
}
why.count = 0;

/** @param {HTMLSelectElement} select @param {{value: string, label: string}[]} options @param {string} chosen */
export function fillSelect(select, options, chosen) {
  const now = [...select.options].map(({ value, text }) => `${value} ${text}`).join();
  if (now !== options.map(({ value, label }) => `${value} ${label}`).join()) {
    select.replaceChildren(
      ...options.map(({ value, label }) => element("option", { value }, label)),
    );
  }
  select.value = chosen;
}
