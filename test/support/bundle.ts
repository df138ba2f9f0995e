/** Programs that tests start, as one file each: a process loads it in a fraction of what it takes from its sources. */
import { mkdirSync, renameSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Within the repository, so that its packages are found. */
const folder = join(root, "node_modules/.cache/tests")

const bundled = new Map<string, Promise<string>>()

const make = async (entry: URL): Promise<string> => {
  mkdirSync(folder, { recursive: true })
  const name = `${basename(dirname(entry.pathname))}-${basename(entry.pathname, ".ts")}`
  const outfile = join(folder, `${name}.mjs`)
  const draft = join(folder, `${name}-${process.pid}.mjs`)
  await build({
    absWorkingDir: root,
    entryPoints: [fileURLToPath(entry)],
    outfile: draft,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["better-sqlite3"],
    // Some of its packages are CommonJS.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);'
    },
    logLevel: "warning"
  })
  // Another worker may make the same, and a process may be about to load it.
  renameSync(draft, outfile)
  return outfile
}

/** Answers with the path of the bundle. */
export const bundle = (entry: URL): Promise<string> => {
  const before = bundled.get(entry.href)
  const made = before ?? make(entry)
  if (before === undefined) bundled.set(entry.href, made)
  return made
}
