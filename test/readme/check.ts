/**
 * Type-checks every `ts` block of README.md as a module of its own, under the flags of the root tsconfig.json.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("../..", import.meta.url))
const outDir = join(root, "node_modules/.cache/readme")

interface Block {
  /** Of the block's first line of code, counted from 1. */
  readonly line: number
  readonly code: string
}

/** Fences as in CommonMark: one is closed by a fence of the same character that is at least as long. */
const blocksOf = (markdown: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = markdown.split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    const [, fence, language] = /^\s*(`{3,}|~{3,})\s*([^\s`{,]*)/.exec(lines[i] ?? "") ?? []
    if (fence === undefined) continue
    const start = i + 1
    const closing = new RegExp(`^\\s*${fence[0]}{${fence.length},}\\s*$`)
    do i++
    while (i < lines.length && !closing.test(lines[i] ?? ""))
    if (language === "ts") blocks.push({ line: start + 1, code: lines.slice(start, i).join("\n") })
  }
  return blocks
}

const check = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> => {
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(outDir, { recursive: true })
  const files = blocks.map(({ code, line }) => {
    const file = join(outDir, `line-${line}.mts`)
    // The padding makes the lines of the module those of the README.
    writeFileSync(file, "\n".repeat(line - 1) + code)
    return file
  })
  const config = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config.config, include: [], files }, ts.sys, root)
  // An example may end with the value that it is about.
  const program = ts.createProgram(files, { ...options, noUnusedLocals: false })
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText, start }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, "\n")
    if (file === undefined) return message
    const { character, line } = file.getLineAndCharacterOfPosition(start ?? 0)
    const name = dirname(file.fileName) === outDir ? "README.md" : relative(root, file.fileName)
    return `${name}:${line + 1}:${character + 1} ${message}`
  })
}

const blocks = blocksOf(readFileSync(join(root, "README.md"), "utf8"))
const failures = blocks.length === 0 ? ["README.md has no ts blocks"] : check(blocks)
for (const failure of failures) console.error(failure)
if (failures.length === 0) console.log(`README.md: ${blocks.length} blocks type-check`)
process.exitCode = failures.length === 0 ? 0 : 1
