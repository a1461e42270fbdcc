// The module "playground:examples": by language, what fetches the programs in its folder of
// examples/, with what examples.json says of each.
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("examples", import.meta.url));

async function collect(language) {
  const list = JSON.parse(await readFile(path.join(folder, "examples.json"), "utf8"));
  const files = await readdir(path.join(folder, language));
  return Promise.all(
    list.map(async (example) => {
      const file = files.find((name) => path.parse(name).name === example.id);
      if (!file) throw new Error(`examples/${language} has no ${example.id}`);
      const code = await readFile(path.join(folder, language, file), "utf8");
      return { ...example, code };
    }),
  );
}

async function index() {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const lines = names.map((name) => {
    const text = JSON.stringify(name);
    return `${text}: async () => (await import("playground:examples/" + ${text})).default,`;
  });
  // Names written out, for the bundler to follow.
  return `export default {\n${lines.join("\n").replaceAll('" + "', "")}\n};`;
}

const PREFIX = "playground:examples";
const INDEX = ".";

export const examples = {
  name: "examples",
  setup(build) {
    build.onResolve({ filter: /^playground:examples(\/.*)?$/ }, ({ path }) => ({
      path: path.slice(PREFIX.length + 1) || INDEX,
      namespace: "playground",
    }));
    build.onLoad({ filter: /.*/, namespace: "playground" }, async ({ path }) =>
      path !== INDEX
        ? { contents: JSON.stringify(await collect(path)), loader: "json" }
        : { contents: await index(), loader: "js" },
    );
  },
};
