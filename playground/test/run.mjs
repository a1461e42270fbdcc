// Bundles the tests with what they test, since Node.js 20 reads no TypeScript, and runs them.
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const outdir = mkdtempSync(path.join(os.tmpdir(), "drybox-playground-test-"));
try {
  await build({
    entryPoints: readdirSync(here)
      .filter((name) => name.endsWith(".test.mjs"))
      .map((name) => path.join(here, name)),
    bundle: true,
    format: "esm",
    platform: "node",
    outdir,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
  const files = readdirSync(outdir).map((name) => path.join(outdir, name));
  process.exitCode = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(outdir, { recursive: true });
}
