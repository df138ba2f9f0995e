/**
 * `npm run bench`, or `npm run bench -- <name>` for one of the measurements: each as a ratio to a floor of the same run. With
 * `--quick` the numbers are too small to mean anything, and all that is shown is that everything can still be measured.
 *
 * What is measured is what `tsc` makes of the sources, as it is published: tsx names every closure whenever it is made,
 * which costs half as much again.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(new URL(".", import.meta.url))
const modules = join(here, "../../node_modules")
const built = join(modules, ".cache/bench")

mkdirSync(built, { recursive: true })
writeFileSync(join(built, "package.json"), JSON.stringify({ type: "module", imports: { "#page": "./page.js" } }))
execFileSync(process.execPath, [join(modules, "typescript/bin/tsc"), "-p", here], { stdio: "inherit" })
execFileSync(process.execPath, [join(here, "../../src/page/build.mjs")], { stdio: "inherit" })
copyFileSync(join(here, "../../dist/page/page.js"), join(built, "page.js"))

const table = join(built, "test/bench/table.js")
const { status } = spawnSync(process.execPath, ["--expose-gc", table, ...process.argv.slice(2)], { stdio: "inherit" })
process.exitCode = status ?? 1
