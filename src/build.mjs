// Makes what `tsc` does not: the files of the build that have code of other packages in them, and the licenses of those.
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { makePage } from "./page/build.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))

// The packages whose code is in the files.
const packagesIn = ({ outputs }) => {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  return inputs.flatMap(([input, { bytesInOutput }]) => {
    const [folder] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input) ?? []
    return folder === undefined || bytesInOutput === 0 ? [] : [folder]
  })
}

const bundle = async (entries, options) => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => `src/${entry}.ts`),
    outdir: "dist",
    outbase: "src",
    allowOverwrite: true,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2022",
    metafile: true,
    logLevel: "warning",
    ...options
  })
  return packagesIn(metafile)
}

// The module and the command become a few files, and the map of the driver is one of what it was before.
for (const folder of ["dist/module", "dist/cli"]) rmSync(join(root, folder), { recursive: true })
rmSync(join(root, "dist/store/SqliteDriver.js.map"))

const folders = [
  packagesIn(await makePage()),
  // Its `better-sqlite3` is the one that this package depends on; all else is shared with the app.
  await bundle(["store/SqliteDriver"], {
    external: ["effect", "@effect/sql", "@effect/experimental", "@effect/platform", "better-sqlite3"]
  }),
  // PM2 installs them for itself, so they need nothing of what an app has.
  await bundle(["module/main", "cli/main"], {
    // What this package depends on as well.
    external: ["better-sqlite3", "nodemailer", "standardwebhooks", "#page", "pg-native"],
    // What both have, and the page of docs of the API, which is loaded when somebody wants to see it.
    splitting: true,
    chunkNames: "module/part-[hash]",
    // Some of its packages are CommonJS.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);'
    }
  })
].flat()

/** Most packages have a file for it, some only the end of their page. */
const licenseOf = (folder) => {
  const { license, name, version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))
  const files = readdirSync(join(root, folder))
  const file =
    files.find((name) => /^licen[cs]e(?:\.md)?$/i.test(name)) ?? files.find((name) => /^readme\.md$/i.test(name))
  const text = file === undefined ? "" : readFileSync(join(root, folder, file), "utf8")
  const [found] = /^readme/i.test(file ?? "")
    ? (/(?:\(The MIT License\)|^#+ licen[cs]e$).*/ims.exec(text) ?? [])
    : [text]
  if (!found) throw new Error(`${folder} has no license`)
  return `${name} ${version} (${license})\n\n${found.replace(/^#+ licen[cs]e$/im, "").trim()}\n`
}

const licenses = [...new Set(folders)].sort().map(licenseOf)
writeFileSync(
  join(root, "dist/LICENSES.txt"),
  [
    "store/SqliteDriver.js, page/page.js and the files of module/ and cli/ have code of these packages in them.\n",
    ...licenses
  ].join(`\n${"-".repeat(80)}\n\n`)
)

// What a shell starts.
chmodSync(join(root, "dist/cli/main.js"), 0o755)
