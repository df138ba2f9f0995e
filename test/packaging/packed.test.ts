/**
 * The package as its users get it: packed, installed from the tarball into an empty project, type-checked and run there.
 */
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))

const consumer = `
import { Healing, HealingQueue, HealingService, HealingStore, OpenClaw, Reviewed, Reviewer } from "effect-healing"
import { OpenClawReviewer } from "effect-healing/openclaw"
import { Pm2 } from "effect-healing/pm2"
import { Effect, Layer } from "effect"

const program = Effect.gen(function* () {
  const healing = yield* HealingService
  const openClaw = yield* OpenClaw
  const review = yield* healing.run("x")(Effect.succeed(1))
  const job = yield* openClaw.withJob("A")(Effect.succeed(1))
  const queue = yield* HealingQueue
  const { report } = yield* queue.heal({ job: "x" })
  return review + job + report.summary.length
})

const ReviewerLive = Layer.succeed(Reviewer, {
  review: () => Effect.succeed(Reviewed.Completed({ report: { summary: "1" } }))
})

const InMemory = HealingQueue.layer.pipe(
  Layer.provide([HealingStore.layerMemory, ReviewerLive]),
  Layer.provideMerge(Healing.layer({ quietPeriod: 0 }))
)

export const ByOpenClaw = OpenClawReviewer.layer({ model: "mock/mock-1" })

export const ByPm2 = Pm2.layer({ name: /^agent-/ })

export const OnDisk = Healing.layerSqlite("healing.db").pipe(Layer.provide(ReviewerLive))

const answer: Promise<number> = program.pipe(Effect.provide(InMemory), Effect.runPromise)
console.log(await answer)
`

const tsconfig = {
  compilerOptions: { target: "ES2022", module: "NodeNext", strict: true, exactOptionalPropertyTypes: true, types: [] },
  files: ["consumer.ts"]
}

let project: string
let packed: { readonly filename: string; readonly files: ReadonlyArray<{ readonly path: string }> }

/** Runs a command and answers with its output; a failure shows all that was printed. */
const run = (cwd: string, file: string, ...args: ReadonlyArray<string>) =>
  new Promise<string>((resolve, reject) =>
    execFile(file, args, { cwd }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stdout}${stderr}`))
    )
  )

const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"))

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "effect-healing-packed-"))
  await run(root, "npm", "run", "build")
  const json = await run(root, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", project)
  ;[packed] = JSON.parse(json)

  const { peerDependencies } = await readJson(join(root, "package.json"))
  const dependencies: Record<string, string> = { "effect-healing": `file:${packed.filename}` }
  for (const peer of Object.keys(peerDependencies)) {
    const { version } = await readJson(join(root, "node_modules", peer, "package.json"))
    dependencies[peer] = version
  }
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(tsconfig))
  await writeFile(join(project, "consumer.ts"), consumer)
  // Without its native part, which is to be needed only where it is used.
  await run(project, "npm", "install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
}, 180_000)

afterAll(() => rm(project, { recursive: true, force: true }))

it("holds the build and the sources it maps to, and nothing else", () => {
  const paths = packed.files.map(({ path }) => path).sort()
  const sources = paths.filter((path) => /^src\/.+\.ts$/.test(path))
  const built = sources.flatMap((path) => {
    const name = path.replace(/^src\/(.+)\.ts$/, "dist/$1")
    return [".d.ts", ".d.ts.map", ".js", ".js.map"].map((extension) => name + extension)
  })
  expect(sources).toContain("src/index.ts")
  expect(paths).toEqual(["LICENSE", "README.md", "package.json", ...built, ...sources].sort())
})

it("type-checks and runs where it is installed", async () => {
  await run(project, process.execPath, join(root, "node_modules/typescript/bin/tsc"))
  expect(await run(project, process.execPath, "consumer.js")).toBe("3\n")
})
