import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { NodeContext } from "@effect/platform-node"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HealingStore } from "effect-healing"
import { checkDriver, versionProblem } from "../../src/store/SqliteVersions.js"
import { inFile, storeError } from "../../src/store/SqlProblem.js"
import { bundle } from "../support/bundle.js"
import { isFull } from "../support/property.js"

const collectedProcess = new URL("../support/collectedProcess.ts", import.meta.url)

describe("statements", () => {
  it.live.runIf(isFull)("may be collected at any time", () =>
    Effect.gen(function* () {
      const program = yield* Effect.promise(() => bundle(collectedProcess))
      const run = () => promisify(execFile)(process.execPath, ["--expose-gc", program])
      assert.strictEqual((yield* Effect.promise(run)).stdout, "alive\n")
    })
  )
})

describe("better-sqlite3 and Node", () => {
  const overrides =
    'require ^13.2.0 of it in the package.json of the app, by "overrides": { "better-sqlite3": "^13.2.0" } ' +
    '(pnpm: "pnpm.overrides", yarn: "resolutions"), and install again'
  const pairs: ReadonlyArray<readonly [driver: string, node: string, problem: string | undefined]> = [
    ["13.2.0", "22.0.0", undefined],
    ["13.2.0", "24.21.0", undefined],
    ["13.2.0", "26.10.0", undefined],
    ["14.0.0-beta.1", "28.0.0", undefined],
    ["13.2.0", "20.20.2", "better-sqlite3 13.2.0 crashes the process on Node 20.20.2: run Node 22 or newer"],
    ["12.11.1", "22.23.3", undefined],
    ["12.11.1", "24.18.0", undefined],
    ["12.11.1", "24.19.0", `better-sqlite3 12.11.1 aborts the process on Node 24.19.0: ${overrides}`],
    ["12.6.2", "24.21.0", `better-sqlite3 12.6.2 aborts the process on Node 24.21.0: ${overrides}`],
    ["12.11.1", "26.10.0", undefined]
  ]
  for (const [driver, node, problem] of pairs) {
    it(`${driver} ${problem === undefined ? "lives" : "does not live"} on ${node}`, () =>
      assert.strictEqual(versionProblem(driver, node), problem))
  }
})

describe("a better-sqlite3 that cannot be loaded", () => {
  for (const code of ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND", "ERR_DLOPEN_FAILED"]) {
    it(`is told of with what to do: ${code}`, () => {
      const { message, reason } = storeError(inFile("h.db"), "cannot be opened", Object.assign(new Error(), { code }))
      assert.strictEqual(reason, "Unavailable")
      assert.match(message, /^h\.db cannot be opened: better-sqlite3 cannot be loaded: .*npm install/)
    })
  }
})

const descriptor = Object.getOwnPropertyDescriptor(process, "versions")

/** For as long as the scope is open, this version is loaded, too, and this Node runs. Answers with what it exports. */
const loaded = (driver: string, node: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "effect-healing-driver-"))
      const lib = join(folder, "better-sqlite3", "lib")
      const main = join(lib, "index.js")
      mkdirSync(lib, { recursive: true })
      writeFileSync(join(lib, "..", "package.json"), JSON.stringify({ name: "better-sqlite3", version: driver }))
      writeFileSync(main, "module.exports = function () {}")
      const require = createRequire(import.meta.url)
      const exports: unknown = require(main)
      const actual = process.versions
      Object.defineProperty(process, "versions", { ...descriptor, value: { ...actual, node } })
      const restore = () => {
        Object.defineProperty(process, "versions", { ...descriptor, value: actual })
        delete require.cache[main]
        rmSync(folder, { recursive: true, force: true })
      }
      return { exports, restore }
    }),
    ({ restore }) => Effect.sync(restore)
  )

const refused = /^better-sqlite3 12\.11\.1 aborts the process on Node 24\.21\.0: require \^13\.2\.0 /

describe("a client of @effect/sql-sqlite-node", () => {
  const store = HealingStore.layerSql.pipe(Layer.provide(SqliteClient.layer({ filename: ":memory:" })))

  it.scopedLive("is refused where its better-sqlite3 would abort the process", () =>
    Effect.gen(function* () {
      yield* loaded("12.11.1", "24.21.0")
      const error = yield* Effect.flip(Layer.build(store))
      assert(error._tag === "HealingStoreError")
      assert.strictEqual(error.reason, "Unsupported")
      assert.match(error.message, refused)
    })
  )

  it.scopedLive("is welcome otherwise", () =>
    Effect.gen(function* () {
      yield* loaded("13.2.0", "24.21.0")
      yield* Layer.build(store)
    })
  )
})

describe("the driver of the SQLite file", () => {
  it.scopedLive("is refused where it would abort the process", () =>
    Effect.gen(function* () {
      const { exports } = yield* loaded("12.11.1", "24.21.0")
      const error = yield* Effect.flip(checkDriver(exports))
      assert.strictEqual(error.reason, "Unsupported")
      assert.match(error.message, refused)
    })
  )

  it.scopedLive("is not refused because of another one that the app has loaded", () =>
    Effect.gen(function* () {
      yield* loaded("12.11.1", "24.21.0")
      yield* Layer.build(Layer.provide(HealingStore.layerSqlite(":memory:"), NodeContext.layer))
    })
  )
})
