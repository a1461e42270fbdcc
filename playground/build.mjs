// Bundles the playground into a folder: index.html, and in assets/ everything else under
// names that carry a hash of the content, so that browsers may keep them for ever.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { examples } from "./examples.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const outdir = path.resolve(process.argv[2] ?? "dist");
const assets = path.join(outdir, "assets");

const options = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  metafile: true,
  outdir: assets,
  target: "es2022",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".woff2": "file", ".svg": "file" },
  legalComments: "none",
  logLevel: "warning",
  plugins: [examples],
};

await rm(outdir, { recursive: true, force: true });
await mkdir(assets, { recursive: true });
const made = [
  await build({
    ...options,
    entryPoints: ["src/main.ts", "src/style.css"],
    format: "esm",
    splitting: true,
  }),
  // A classic script, so that it runs before the first paint.
  await build({ ...options, entryPoints: ["src/theme.ts"], format: "iife" }),
];

const names = {};
const inputs = new Set();
for (const { metafile } of made) {
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (output.entryPoint) names[path.basename(output.entryPoint)] = path.basename(file);
    for (const input of Object.keys(output.inputs)) inputs.add(input);
  }
}
for (const file of await readdir(assets)) {
  if (file.endsWith(".woff2")) names[file.replace(/-[^-]*$/, "")] = file;
}
names["icon.svg"] = await keep("icon", ".svg", await readFile(path.join(here, "src/icon.svg")));
names["licenses.txt"] = await keep("licenses", ".txt", await licenses(inputs));

const page = await readFile(path.join(here, "src/index.html"), "utf8");
const filled = page.replace(/asset:([\w.-]+)/g, (_, name) => {
  if (!names[name]) throw new Error(`index.html names ${name}, which the build did not make`);
  return `assets/${names[name]}`;
});
await writeFile(path.join(outdir, "index.html"), filled.replace(/\n\s+/g, "\n"));

// Packed once, here, rather than by the server for each visitor.
for (const file of await readdir(assets)) {
  if (file.endsWith(".woff2")) continue;
  const content = await readFile(path.join(assets, file));
  await writeFile(path.join(assets, `${file}.gz`), gzipSync(content, { level: 9 }));
}

async function keep(stem, suffix, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  await writeFile(path.join(assets, `${stem}-${hash}${suffix}`), content);
  return `${stem}-${hash}${suffix}`;
}

// The licences of all that went into the bundle ask to be passed on with it.
async function licenses(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
  const texts = [];
  for (const name of [...packages].sort()) {
    const folder = path.join(here, "node_modules", name);
    const about = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    // Where a package brings none along, its project's is in licenses/.
    const places = ["LICENSE", "LICENSE.md", "LICENCE"].map((file) => path.join(folder, file));
    places.push(path.join(here, "licenses", `${name.replace("/", "+")}.txt`));
    const file = places.find((place) => existsSync(place));
    if (!file) throw new Error(`${name} has no file with its licence`);
    const text = await readFile(file, "utf8");
    texts.push(`${name} ${about.version} (${about.license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(78)}\n\n`);
}
