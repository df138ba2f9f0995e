// Makes the page: one file of HTML with its script and its style in it, as the text of a module, so that bundlers find it as well.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const here = fileURLToPath(new URL(".", import.meta.url))
const root = fileURLToPath(new URL("../..", import.meta.url))

const one = async (entry, options) => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [join(here, entry)],
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    charset: "utf8",
    legalComments: "none",
    target: ["chrome120", "firefox120", "safari17"],
    logLevel: "warning",
    ...options
  })
  return { metafile, text: outputFiles[0].text.trim() }
}

/** Answers with what esbuild tells of the packages in it. */
export const makePage = async () => {
  const style = await one("style.css", {})
  const script = await one("main.tsx", {
    platform: "browser",
    format: "iife",
    jsx: "automatic",
    jsxImportSource: "preact",
    define: { "process.env.NODE_ENV": '"production"' }
  })
  const page = readFileSync(join(here, "index.html"), "utf8")
    .replace("/* style.css */", () => style.text)
    .replace("/* main.tsx */", () => script.text)
  mkdirSync(join(root, "dist/page"), { recursive: true })
  writeFileSync(join(root, "dist/page/page.js"), `export default ${JSON.stringify(page)}\n`)
  return script.metafile
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makePage()
