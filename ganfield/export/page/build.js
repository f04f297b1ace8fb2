/** Builds ../page.html from the sources; with --check it only says whether that file is what they make. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const MARKER = "/*GANFIELD-MODEL*/";
const MOST_BYTES = 100_000;

/** @param {string} path beside this file @returns {string} */
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** @param {string} entry @returns {Promise<string>} the entry and all it imports, minified */
async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [at(entry)],
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    format: "iife",
    target: ["chrome111", "firefox114", "safari16.4"],
    legalComments: "none",
  });
  return outputFiles[0].text.trim();
}

const style = await bundle("source/style.css");
const script = await bundle("source/main.js");
if (/<\/(script|style)/i.test(script + style) || script.includes(MARKER)) {
  throw new Error("the sources hold what would end the script, or the marker");
}
const template = readFileSync(at("source/template.html"), "utf8");
const page = template
  .replace("/*STYLE*/", () => style)
  .replace("/*SCRIPT*/", () => `${MARKER}\n${script}`);
const size = Buffer.byteLength(page);
if (size > MOST_BYTES) throw new Error(`the page has ${size} bytes, of at most ${MOST_BYTES}`);

const path = at("../page.html");
if (!process.argv.includes("--check")) {
  writeFileSync(path, page);
} else if (readFileSync(path, "utf8") !== page) {
  console.error("page.html is not what its sources make: npm run build");
  process.exit(1);
}
console.log(`page.html: ${size} bytes`);
