import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HealingStore } from "effect-healing"
import { versionProblem } from "../src/SqliteVersions.js"
import { storeError } from "../src/SqlStore.js"
import { bundle } from "./support/bundle.js"

const collectedProcess = new URL("support/collectedProcess.ts", import.meta.url)

describe("statements", () => {
  it.live("may be collected at any time", () =>
    Effect.gen(function* () {
      const program = yield* Effect.promise(() => bundle(collectedProcess))
      const run = () => promisify(execFile)(process.execPath, ["--expose-gc", program])
      assert.strictEqual((yield* Effect.promise(run)).stdout, "alive\n")
    })
  )
})

describe("better-sqlite3 and Node", () => {
  const overrides =
    'put "overrides": { "better-sqlite3": "^13.2.0" } into the package.json of the app, and run npm install'
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
      const { message, reason } = storeError("in h.db cannot be opened", Object.assign(new Error(), { code }))
      assert.strictEqual(reason, "Unavailable")
      assert.match(
        message,
        /^The store of healing requests in h\.db cannot be opened: better-sqlite3 cannot be loaded: .*npm install/
      )
    })
  }
})

describe("a client of @effect/sql-sqlite-node", () => {
  const store = HealingStore.layerSql.pipe(Layer.provide(SqliteClient.layer({ filename: ":memory:" })))

  /** For as long as the scope is open, this version is loaded, too, and this Node runs. */
  const loaded = (driver: string, node: string) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const folder = mkdtempSync(join(tmpdir(), "effect-healing-driver-"))
        const lib = join(folder, "better-sqlite3", "lib")
        mkdirSync(lib, { recursive: true })
        writeFileSync(join(lib, "..", "package.json"), JSON.stringify({ name: "better-sqlite3", version: driver }))
        writeFileSync(join(lib, "database.js"), "")
        const require = createRequire(import.meta.url)
        require(join(lib, "database.js"))
        const actual = process.versions
        Object.defineProperty(process, "versions", { ...descriptor, value: { ...actual, node } })
        return () => {
          Object.defineProperty(process, "versions", { ...descriptor, value: actual })
          delete require.cache[join(lib, "database.js")]
          rmSync(folder, { recursive: true, force: true })
        }
      }),
      (restore) => Effect.sync(restore)
    )
  const descriptor = Object.getOwnPropertyDescriptor(process, "versions")

  it.scopedLive("is refused where its better-sqlite3 would abort the process", () =>
    Effect.gen(function* () {
      yield* loaded("12.11.1", "24.21.0")
      const error = yield* Effect.flip(Layer.build(store))
      assert(error._tag === "HealingStoreError")
      assert.strictEqual(error.reason, "Unsupported")
      assert.match(error.message, /^better-sqlite3 12\.11\.1 aborts the process on Node 24\.21\.0: put "overrides": /)
    })
  )

  it.scopedLive("is welcome otherwise", () =>
    Effect.gen(function* () {
      yield* loaded("13.2.0", "24.21.0")
      yield* Layer.build(store)
    })
  )
})
