/** What drawings draw with: a canvas, or the same as the text of an SVG file. */

/**
 * @typedef {Pick<CanvasRenderingContext2D, "fillStyle" | "strokeStyle" | "lineWidth" | "globalAlpha" | "font" |
 *   "textAlign" | "textBaseline" | "lineJoin" | "lineCap" | "beginPath" | "moveTo" | "lineTo" | "closePath" |
 *   "stroke" | "fill" | "fillRect" | "strokeRect" | "fillText" | "strokeText" | "setLineDash" |
 *   "save" | "restore">
 *   & {arc(x: number, y: number, radius: number, from: number, to: number): void,
 *      clipTo(x: number, y: number, width: number, height: number): void,
 *      picture(source: HTMLCanvasElement, x: number, y: number, width: number, height: number): void}} Pen
 */

/**
 * A canvas's context as a pen.
 *
 * @param {CanvasRenderingContext2D} context
 * @returns {Pen & CanvasRenderingContext2D}
 */
export function canvasPen(context) {
  return Object.assign(context, {
    /** @type {Pen["clipTo"]} */
    clipTo(x, y, width, height) {
      context.beginPath();
      context.rect(x, y, width, height);
      context.clip();
    },
    /** @type {Pen["picture"]} */
    picture(source, x, y, width, height) {
      context.imageSmoothingEnabled = false;
      context.drawImage(source, x, y, width, height);
    },
  });
}

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** @param {number} x */
const short = (x) => String(Number(x.toFixed(2)));

const START = {
  fillStyle: "#000000",
  strokeStyle: "#000000",
  lineWidth: 1,
  globalAlpha: 1,
  font: "10px sans-serif",
  textAlign: "start",
  textBaseline: "alphabetic",
  lineJoin: "miter",
  lineCap: "butt",
  dash: /** @type {number[]} */ ([]),
  groups: 0,
};

/**
 * A pen that writes SVG.
 *
 * @param {number} width
 * @param {number} height
 * @returns {Pen & {text(): string}}
 */
export function svgPen(width, height) {
  /** @type {string[]} */
  const parts = [];
  /** @type {string[]} */
  let path = [];
  let clips = 0;
  let now = { ...START };
  /** @type {(typeof START)[]} */
  const before = [];

  const lineStyle = () =>
    `fill="none" stroke="${now.strokeStyle}" stroke-width="${short(now.lineWidth)}"` +
    ` stroke-linejoin="${now.lineJoin}" stroke-linecap="${now.lineCap}"` +
    (now.globalAlpha < 1 ? ` opacity="${short(now.globalAlpha)}"` : "") +
    (now.dash.length ? ` stroke-dasharray="${now.dash.join(" ")}"` : "");
  const fillStyle = () =>
    `fill="${now.fillStyle}"` + (now.globalAlpha < 1 ? ` opacity="${short(now.globalAlpha)}"` : "");
  /** @param {string} text @param {number} x @param {number} y @param {string} style */
  const write = (text, x, y, style) => {
    const [, italic, weight, size, family] =
      /^(italic )?(\d+ )?([\d.]+)px (.*)$/.exec(now.font) ?? [];
    const anchor = { center: "middle", right: "end", end: "end" }[now.textAlign] ?? "start";
    const drop = { middle: 0.36, top: 0.8, bottom: -0.2 }[now.textBaseline] ?? 0;
    parts.push(
      `<text x="${short(x)}" y="${short(y + drop * Number(size))}" font-size="${size}"` +
        ` font-family="${escaped(family)}"${italic ? ' font-style="italic"' : ""}` +
        `${weight ? ` font-weight="${weight.trim()}"` : ""} text-anchor="${anchor}" ${style}>` +
        `${escaped(text)}</text>`,
    );
  };
  /** @param {number} x @param {number} y @param {number} w @param {number} h @param {string} style */
  const box = (x, y, w, h, style) => {
    const place = `x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}"`;
    parts.push(`<rect ${place} ${style}/>`);
  };

  const pen = {
    beginPath: () => void (path = []),
    moveTo: (/** @type {number} */ x, /** @type {number} */ y) =>
      void path.push(`M${short(x)} ${short(y)}`),
    lineTo: (/** @type {number} */ x, /** @type {number} */ y) =>
      void path.push(`L${short(x)} ${short(y)}`),
    closePath: () => void path.push("Z"),
    /** @type {Pen["arc"]} only whole circles are drawn */
    arc(x, y, radius) {
      const r = short(radius);
      const turn = `a${r} ${r} 0 1 0`;
      path.push(`M${short(x + radius)} ${short(y)}${turn}${short(-2 * radius)} 0`);
      path.push(`${turn}${short(2 * radius)} 0Z`);
    },
    stroke: () => void parts.push(`<path d="${path.join("")}" ${lineStyle()}/>`),
    fill: () => void parts.push(`<path d="${path.join("")}" ${fillStyle()}/>`),
    fillRect: (/** @type {number[]} */ ...[x, y, w, h]) => box(x, y, w, h, fillStyle()),
    strokeRect: (/** @type {number[]} */ ...[x, y, w, h]) => box(x, y, w, h, lineStyle()),
    fillText: (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y) =>
      write(text, x, y, fillStyle()),
    strokeText: (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y) =>
      write(text, x, y, lineStyle()),
    setLineDash: (/** @type {number[]} */ dash) => void (now.dash = dash),
    save: () => void before.push({ ...now }),
    restore() {
      const last = before.pop() ?? { ...START };
      for (; now.groups > last.groups; now.groups--) parts.push("</g>");
      now = last;
    },
    /** @type {Pen["clipTo"]} */
    clipTo(x, y, w, h) {
      clips++;
      parts.push(`<clipPath id="clip${clips}">`);
      box(x, y, w, h, "");
      parts.push(`</clipPath><g clip-path="url(#clip${clips})">`);
      now.groups++;
    },
    /** @type {Pen["picture"]} */
    picture(source, x, y, w, h) {
      const place = `x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}"`;
      parts.push(`<image ${place} preserveAspectRatio="none" href="${source.toDataURL()}"/>`);
    },
    text: () =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"` +
      ` viewBox="0 0 ${width} ${height}">${parts.join("\n")}</svg>\n`,
  };
  for (const name of Object.keys(START)) {
    Object.defineProperty(pen, name, {
      get: () => Reflect.get(now, name),
      set(value) {
        Reflect.set(now, name, value);
      },
    });
  }
  return /** @type {Pen & {text(): string}} */ (/** @type {unknown} */ (pen));
}

export const SANS = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
export const SERIF = '"STIX Two Text", Cambria, Georgia, "DejaVu Serif", serif';
