/**
 * Type-checks every `ts` block of every README.md as a module of its own, under the flags of the root tsconfig.json, and looks for
 * what each relative link points at: a file, or a heading of a page.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("../..", import.meta.url))
const outDir = join(root, "node_modules/.cache/readme")

const MAX_LINES = 320

const pages = ["README.md", ...globSync("{src,test,examples}/**/README.md", { cwd: root })].map((page) => ({
  page,
  text: readFileSync(join(root, page), "utf8")
}))

interface Block {
  readonly page: string
  /** Of the block's first line of code, counted from 1. */
  readonly line: number
  readonly code: string
}

/** Fences as in CommonMark: one is closed by a fence of the same character that is at least as long. */
const blocksOf = (page: string, markdown: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = markdown.split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    const [, fence, language] = /^\s*(`{3,}|~{3,})\s*([^\s`{,]*)/.exec(lines[i] ?? "") ?? []
    if (fence === undefined) continue
    const start = i + 1
    const closing = new RegExp(`^\\s*${fence[0]}{${fence.length},}\\s*$`)
    do i++
    while (i < lines.length && !closing.test(lines[i] ?? ""))
    if (language === "ts") blocks.push({ page, line: start + 1, code: lines.slice(start, i).join("\n") })
  }
  return blocks
}

const codeProblems = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> => {
  rmSync(outDir, { recursive: true, force: true })
  mkdirSync(outDir, { recursive: true })
  const pageOf = new Map<string, string>()
  const files = blocks.map(({ code, line, page }, index) => {
    const file = join(outDir, `block-${index}.mts`)
    pageOf.set(file, page)
    // The padding makes the lines of the module those of the page.
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
    return `${pageOf.get(file.fileName) ?? relative(root, file.fileName)}:${line + 1}:${character + 1} ${message}`
  })
}

/** As GitHub makes them of headings. */
const anchorsOf = (markdown: string): ReadonlyArray<string> =>
  Array.from(markdown.matchAll(/^#+ (.+)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-")
  )

const linkProblems = (page: string, markdown: string): ReadonlyArray<string> =>
  Array.from(markdown.replaceAll(/^```.*?^```$/gms, "").matchAll(/\]\(([^)\s]+)\)/g)).flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path = "", anchor] = link.split("#")
    const target = path === "" ? join(root, page) : join(root, dirname(page), path)
    if (!existsSync(target)) return [`${page}: there is no ${path}`]
    const isThere = anchor === undefined || anchorsOf(readFileSync(target, "utf8")).includes(anchor)
    return isThere ? [] : [`${page}: ${path} has no heading #${anchor}`]
  })

const blocks = pages.flatMap(({ page, text }) => blocksOf(page, text))
const lines = pages[0]?.text.split("\n").length ?? 0
const problems = [
  ...(blocks.length === 0 ? ["README.md has no ts blocks"] : codeProblems(blocks)),
  ...pages.flatMap(({ page, text }) => linkProblems(page, text)),
  ...(lines > MAX_LINES ? [`README.md has ${lines} lines, and is to have ${MAX_LINES} at most`] : [])
]
for (const problem of problems) console.error(problem)
if (problems.length === 0)
  console.log(`${pages.length} pages: ${blocks.length} blocks type-check, and all links lead somewhere`)
process.exitCode = problems.length === 0 ? 0 : 1
