/**
 * The package as its users get it: packed, and installed from the tarball into empty folders, as the README says for an app and
 * as PM2 does for its module.
 */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { get } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, inject, it } from "@effect/vitest"
import { build } from "esbuild"
import { isFull } from "../support/property.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

const consumer = `
import { Healing, HealingQueue, HealingService, HealingStore, JobRegistry, OpenClaw, Reviewed, Reviewer, Supervisor } from "effect-healing"
import { HealingHttp } from "effect-healing/http"
import { OpenClawGateway, OpenClawReviewer } from "effect-healing/openclaw"
import { Pm2 } from "effect-healing/pm2"
import { ProcClaw } from "effect-healing/procclaw"
import { supervisorContract } from "effect-healing/testing"
import { Effect, Layer } from "effect"

export const program = Effect.gen(function* () {
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
  Layer.provideMerge(Healing.layer({ settings: { quietPeriod: 0 } }))
)

export const ByOpenClaw = OpenClawReviewer.layer({ model: "mock/mock-1" })

export const ByHttp = HealingHttp.layer

export const status = HealingHttp.client({ socket: "api.sock" }).pipe(
  Effect.flatMap(({ api }) => api.status.status()),
  Effect.map(({ waiting }): number => waiting)
)

export const ByAll = Supervisor.merge({
  "": Pm2.layer({ name: /^agent-/ }),
  procclaw: ProcClaw.layer(),
  app: JobRegistry.layer,
  gateway: OpenClawGateway.layer()
})

export const contract = supervisorContract(Effect.never)

export const OnDisk = Healing.layerSqlite({ filename: "healing.db", settings: { quietPeriod: 0 } }).pipe(Layer.provide(ReviewerLive))

const answer: Promise<number> = program.pipe(Effect.provide(InMemory), Effect.runPromise)
console.log(await answer)
`

/** Not type-checked, since the types of its platform need more than those of the package. */
const onDisk = `
import { NodeContext } from "@effect/platform-node"
import { Effect } from "effect"
import { OnDisk, program } from "./consumer.js"

console.log(await program.pipe(Effect.provide(OnDisk), Effect.provide(NodeContext.layer), Effect.runPromise))
`

/** An app that becomes one file, with the page of its API in it. */
const bundled = `
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { Healing, HealingQueue, Reviewed, Reviewer } from "effect-healing"
import { HealingHttp } from "effect-healing/http"

const reviewer = Layer.succeed(Reviewer, {
  review: () => Effect.succeed(Reviewed.Completed({ report: { summary: "all" } }))
})

Effect.gen(function* () {
  const { report } = yield* (yield* HealingQueue).heal({ job: "x" })
  const handler = yield* HealingHttp.toWebHandler({ authorize: () => Effect.succeed({ name: "anna", rights: "read" }) })
  const page = yield* Effect.promise(() => handler(new Request("http://localhost/page")))
  return [report.summary.length, page.status, page.headers.get("content-type")].join(" ")
}).pipe(
  Effect.scoped,
  Effect.provide(Healing.layerSqlite({ filename: "bundled.db", settings: { quietPeriod: 0 } }).pipe(Layer.provide([reviewer, NodeContext.layer]))),
  Effect.runPromise
).then(console.log)
`

const refused = `
import { NodeContext } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HealingStore } from "effect-healing"

const { message, reason } = await Effect.runPromise(
  Effect.flip(Effect.provide(HealingStore, HealingStore.layerSqlite("healing.db").pipe(Layer.provide(NodeContext.layer))))
)
console.log(reason + ": " + message)
`

const tsconfig = {
  compilerOptions: { target: "ES2022", module: "NodeNext", strict: true, exactOptionalPropertyTypes: true, types: [] },
  files: ["consumer.ts"]
}

let folder: string
let project: string

/** Runs a command and answers with its output; a failure shows all that was printed. */
const run = (cwd: string, file: string, ...args: ReadonlyArray<string>) =>
  new Promise<string>((resolve, reject) =>
    execFile(file, args, { cwd }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stdout}${stderr}`))
    )
  )

/** Has a process believe that it runs on this Node. */
const asNode = (version: string): ReadonlyArray<string> => {
  const program = `Object.defineProperty(process.versions, "node", { value: "${version}" })`
  return ["--import", `data:text/javascript,${encodeURIComponent(program)}`]
}

const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"))

/** What the README has an app install beside the package, as `name@range`. */
const installLine = async () => {
  const [, names = ""] = /^npm install effect-healing ([^#]*?)$(?!\s*@)/m.exec(
    (await readFile(join(root, "README.md"), "utf8")).replaceAll(/\\\n\s*/g, "")
  ) ?? ["", ""]
  return names.split(" ")
}

describe.runIf(isFull)("the package", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "effect-healing-packed-"))
    project = join(folder, "app")
    await mkdir(project)
    await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
    await writeFile(join(project, "tsconfig.json"), JSON.stringify(tsconfig))
    await writeFile(join(project, "consumer.ts"), consumer)
    for (const [name, program] of Object.entries({ onDisk, bundled, refused })) {
      await writeFile(join(project, `${name}.js`), program)
    }
    // Without a script that could compile something: SQLite comes as a binary.
    const npm = ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    await run(project, "npm", ...npm, inject("packed").tarball, ...(await installLine()))
  }, 600_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  it("holds the build, the sources it maps to and their pages, and nothing else", () => {
    const paths = inject("packed").paths.toSorted()
    const sources = paths.filter((path) => /^src\/.+\.ts$/.test(path))
    const built = sources.flatMap((path) => {
      const name = path.replace(/^src\/(.+)\.ts$/, "dist/$1")
      const isBundled = name === "dist/store/SqliteDriver"
      return [".d.ts", ".d.ts.map", ".js", ...(isBundled ? [] : [".js.map"])].map((extension) => name + extension)
    })
    const pages = paths.filter((path) => /^src\/(?:.+\/)?README\.md$/.test(path))
    const parts = paths.filter((path) => /^dist\/module\/part-\w+\.js$/.test(path))
    const bundled = ["dist/module/main.js", "dist/cli/main.js", "dist/page/page.js", ...parts, "dist/LICENSES.txt"]
    expect(sources).toContain("src/index.ts")
    expect(paths).toEqual(["LICENSE", "README.md", "package.json", ...bundled, ...built, ...pages, ...sources].sort())
  })

  it("names in its README what its peers are", async () => {
    const { peerDependencies } = await readJson(join(root, "package.json"))
    const ranges = Object.entries(peerDependencies).map(([name, range]) => {
      const [, major, minor] = /^\^(\d+)\.(\d+)\.\d+$/.exec(String(range)) ?? []
      return `${name}@${major === "0" ? `0.${minor}` : major}`
    })
    expect((await installLine()).toSorted()).toEqual(ranges.sort())
  })

  it("type-checks and runs where it is installed, in memory and on SQLite", async () => {
    await run(project, process.execPath, join(root, "node_modules/typescript/bin/tsc"))
    expect(await run(project, process.execPath, "onDisk.js")).toBe("3\n3\n")
  })

  it("runs in a bundle of CommonJS", async () => {
    await build({
      absWorkingDir: project,
      entryPoints: ["bundled.js"],
      outfile: join(project, "bundled.cjs"),
      bundle: true,
      platform: "node",
      format: "cjs",
      external: ["better-sqlite3"]
    })
    expect(await run(project, process.execPath, "bundled.cjs")).toBe("3 200 text/html; charset=utf-8\n")
  })

  it("refuses a better-sqlite3 that would abort the process before it opens anything", async () => {
    // In the place that npm gives the package's own one where the app has another at the top.
    const driver = join(project, "node_modules/effect-healing/node_modules/better-sqlite3")
    await mkdir(join(driver, "lib"), { recursive: true })
    await writeFile(join(driver, "package.json"), JSON.stringify({ version: "12.11.1", main: "lib/index.js" }))
    await writeFile(join(driver, "lib/index.js"), "module.exports = class { constructor() { process.abort() } }")
    try {
      expect(await run(project, process.execPath, ...asNode("24.21.0"), "refused.js")).toMatch(
        /^Unsupported: better-sqlite3 12\.11\.1 aborts the process on Node 24\.21\.0: /
      )
    } finally {
      await rm(driver, { recursive: true })
    }
  })

  describe("the module of PM2", () => {
    let installed: string

    beforeAll(async () => {
      installed = join(folder, "module")
      const npm = ["install", inject("packed").tarball, "--loglevel=error", "--prefix", installed]
      await run(folder, "npm", ...npm)
    }, 600_000)

    it("is installed without anything that compiles, with few packages, and small", async () => {
      const { packages } = await readJson(join(installed, "node_modules/.package-lock.json"))
      expect(Object.keys(packages).length).toBeLessThanOrEqual(40)
      const withScripts = Object.entries<{ readonly hasInstallScript?: boolean }>(packages)
      expect(withScripts.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([])
      const paths = await readdir(installed, { recursive: true, withFileTypes: true })
      const files = paths.filter((path) => path.isFile())
      const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000_000)
    })

    /** As PM2 would start it, until it has printed its first line. */
    const start = async (...args: ReadonlyArray<string>) => {
      const child = spawn(
        process.execPath,
        [...args, join(installed, "node_modules/effect-healing/dist/module/main.js")],
        { env: { PATH: process.env.PATH, PM2_HOME: join(folder, "pm2") }, stdio: ["ignore", "pipe", "pipe"] }
      )
      const exited = once(child, "exit").then(([code]) => code)
      const first = (stream: typeof child.stdout) => once(createInterface(stream), "line").then(([line]) => line)
      return { child, exited, line: await Promise.race([first(child.stdout), first(child.stderr)]) }
    }

    it("starts, with SQLite and all, and ends when it is told to", async () => {
      const { child, exited, line } = await start()
      expect(line).toMatch(/^watches PM2 in /)
      const [, command = ""] = /; the command is (\S+)$/.exec(String(line)) ?? []
      const socket = join(folder, "pm2/effect-healing/healing.db-run/api.sock")
      while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10))
      expect(await run(folder, "sh", command, "status")).toContain("in review")
      const page = await new Promise<string>((resolve) => {
        get({ socketPath: socket, path: "/page" }, (response) => resolve(text(response)))
      })
      expect(page).toMatch(/^<!doctype html>/)
      child.kill("SIGINT")
      expect(await exited).toBe(0)
      // What stands in its file can be read without it.
      expect(await run(folder, "sh", command, "history")).toBe("Nothing has ended yet\n")
    })

    it("stops with one line and code 78 on a Node that is too old", async () => {
      const { exited, line } = await start(...asNode("20.20.2"))
      expect(line).toBe(
        "error: stopped: PM2 runs on Node 20.20.2, and effect-healing needs Node 22 or newer. " +
          "To mend it: install a newer Node, then pm2 update, then pm2 restart effect-healing"
      )
      expect(await exited).toBe(78)
    })
  })
})
