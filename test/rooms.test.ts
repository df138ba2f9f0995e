import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import ts from "typescript"

const src = fileURLToPath(new URL("../src", import.meta.url))

/** The rows of the table in `src/README.md`, from the top of the house to its ground. */
const rooms = Array.from(
  readFileSync(join(src, "README.md"), "utf8").matchAll(/^\| `([\w.]+)(\/?)` \| (?:`([\w.]+)`)? *\|/gm),
  ([, name = "", slash, door]) => ({ name, isFolder: slash === "/", door })
)

const modules = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file))

const roomOf = (file: string): number => rooms.findIndex(({ name }) => name === file.split("/")[0])

/** Of types, too, and those that are made only when they are needed. */
const importsOf = (file: string): ReadonlyArray<string> =>
  ts
    .preProcessFile(readFileSync(join(src, file), "utf8"))
    .importedFiles.map(({ fileName }) => fileName)
    .filter((imported) => imported.startsWith("."))
    .map((imported) => relative(src, join(src, dirname(file), imported)).replace(/\.js$/, ".ts"))

describe("the house", () => {
  it("has a row for each room, and each room its front door", () => {
    const entries = readdirSync(src, { withFileTypes: true })
    const found = entries.filter((entry) => entry.isDirectory() || entry.name.endsWith(".ts")).map(({ name }) => name)
    assert.sameMembers(
      rooms.map(({ name }) => name),
      found
    )
    for (const { door, isFolder, name } of rooms) {
      if (isFolder && door !== undefined) assert.isTrue(existsSync(join(src, name, door)), `${name}/${door}`)
    }
  })

  it("has imports that run down only", () => {
    const imports = modules.flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
    assert.isAbove(imports.length, modules.length)
    const upwards = imports.filter(({ file, imported }) => roomOf(imported) < roomOf(file))
    assert.deepStrictEqual(
      upwards.map(({ file, imported }) => `src/${file} imports src/${imported}, which stands above it`),
      []
    )
  })
})
