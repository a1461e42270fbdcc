// The module "playground:examples": the programs in examples/, with what examples.json
// says of each.
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("examples", import.meta.url));

async function collect() {
  const list = JSON.parse(await readFile(path.join(folder, "examples.json"), "utf8"));
  const found = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const files = await readdir(path.join(folder, entry.name));
    found[entry.name] = await Promise.all(
      list.map(async (example) => {
        const file = files.find((name) => path.parse(name).name === example.id);
        if (!file) throw new Error(`examples/${entry.name} has no ${example.id}`);
        const code = await readFile(path.join(folder, entry.name, file), "utf8");
        return { ...example, code };
      }),
    );
  }
  return found;
}

export const examples = {
  name: "examples",
  setup(build) {
    build.onResolve({ filter: /^playground:examples$/ }, () => ({
      path: "examples",
      namespace: "playground",
    }));
    build.onLoad({ filter: /.*/, namespace: "playground" }, async () => ({
      contents: JSON.stringify(await collect()),
      loader: "json",
    }));
  },
};
