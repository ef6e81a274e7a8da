// Runs the checks of all files of this folder that are called `*.check.mjs`: `node run.mjs [part of the name of a group]`.
import { readdirSync } from "node:fs";
import { runAll } from "./support.mjs";

for (const file of readdirSync(import.meta.dirname).filter((name) => name.endsWith(".check.mjs")).sort()) await import(`./${file}`);
process.exit((await runAll(process.argv[2])) ? 0 : 1);
