// The guide's chapter `on_a_board`, followed from an empty folder.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { group, ROOT } from "./support.mjs";

const folder = path.join(ROOT, "target/board-guide");
const text = readFileSync(path.join(ROOT, "src/guide/on_a_board.rs"), "utf8").replaceAll(/^\/\/! ?/gm, "");

/** The block of the chapter that follows the name of the file. */
function block(name) {
  const at = text.indexOf(`\n\`${name}\``);
  assert.ok(at >= 0, `the chapter has no ${name}`);
  const found = text.slice(at).match(/^```\w+\n([^]*?)\n```$/m);
  return found[1];
}

group("guide", async (check) => {
  const run = () => promisify(execFile)("/usr/bin/cargo", ["run", "--quiet", "--release", "-Zbuild-std=core"], { cwd: folder });
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["Cargo.toml", ".cargo/config.toml", "memory.x", "src/main.rs"]) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    // A folder below the root would be taken for a part of its workspace. The crate is the one that stands here.
    const content = block(name).replace('version = "0.1", default', `path = "${ROOT}", default`);
    writeFileSync(file, name === "Cargo.toml" ? `${content}\n\n[workspace]\n` : content);
  }
  await check("the files of the chapter, in an empty folder, make a firmware that runs in QEMU", async () => {
    const { stdout, stderr } = await run();
    assert.match(stdout + stderr, /the server gets its answer/);
  });
  await check("with a wrong number in its assertion it fails", async () => {
    const main = path.join(folder, "src/main.rs");
    writeFileSync(main, readFileSync(main, "utf8").replace("437[21]\");", "437[22]\");"));
    await assert.rejects(run(), ({ stdout, stderr }) => /assertion/.test(stdout + stderr));
  });
});
