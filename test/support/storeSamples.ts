/** What the tests of the store share: requests, and the changes that make them. */
import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { NodeContext } from "@effect/platform-node"
import type { SqlError } from "@effect/sql/SqlError"
import { SqliteClient } from "@effect/sql-sqlite-node"
import { type ConfigError, Effect, Layer } from "effect"
import {
  type HealingRequest,
  HealingStore,
  type HealingStoreError,
  type RequestState,
  type Suggestion
} from "effect-healing"
import { idOf } from "../../src/request/HealingRequest.js"
import type { Transition } from "../../src/store/Change.js"
import { hasPostgres, layer as postgres } from "./postgres.js"

const inTempFolder = Layer.unwrapScoped(
  Effect.gen(function* () {
    const folder = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())
    return HealingStore.layerSqlite((yield* Path.Path).join(folder, "healing.db"))
  })
)

/** What the layers of stores, of their clients and of their folders fail with. */
export type StoreProblem = ConfigError.ConfigError | HealingStoreError | PlatformError | SqlError

/** Each kind of store, by its name. */
export const stores: Readonly<Record<string, Layer.Layer<HealingStore, StoreProblem>>> = {
  "the memory store": HealingStore.layerMemory,
  "the SQL store over a client of one's own": Layer.provide(
    HealingStore.layerSql,
    SqliteClient.layer({ filename: ":memory:" })
  ),
  "the SQL store over a client that renames": Layer.provide(
    HealingStore.layerSql,
    SqliteClient.layer({
      filename: ":memory:",
      transformQueryNames: (name) => name.toLowerCase(),
      transformResultNames: (name) => name.toUpperCase()
    })
  ),
  ...(hasPostgres && { "the SQL store over PostgreSQL": Layer.provide(HealingStore.layerSql, postgres) }),
  "the SQLite store without a file": Layer.provide(HealingStore.layerSqlite(":memory:"), NodeContext.layer),
  "the SQLite store in a file": Layer.provide(inTempFolder, NodeContext.layer)
}

export const openStore = <E, R>(layer: Layer.Layer<HealingStore, E, R>) =>
  Effect.flatMap(Layer.build(layer), (context) => Effect.provide(HealingStore, context))

export const aRequest = (number: number, fields: Partial<HealingRequest> = {}): HealingRequest => ({
  number,
  job: "A",
  state: "pending",
  priority: -10,
  triggers: ["manual"],
  runId: null,
  note: null,
  callersOnly: false,
  submittedAt: number,
  notBefore: null,
  waitUntil: null,
  attempts: 0,
  starts: [],
  endedAt: null,
  reason: null,
  coalescedInto: null,
  report: null,
  cooldown: null,
  signatures: [],
  ...fields,
  id: idOf(fields.job ?? "A", number)
})

export const ended = (number: number, endedAt: number, fields: Partial<HealingRequest> = {}): HealingRequest =>
  aRequest(number, { state: "completed", report: { summary: "fine" }, ...fields, endedAt })

export const insert = (to: HealingRequest): Transition => ({ _tag: "Transition", from: null, to })

export const move = (from: RequestState, to: HealingRequest): Transition => ({ _tag: "Transition", from, to })

/** One that asks for nothing but attention. */
export const aSuggestion: Suggestion = {
  category: "config",
  severity: "high",
  title: "Remove old logs",
  description: "They fill the disk.",
  currentState: null,
  change: "Keep seven of them.",
  expectedImpact: null,
  targetFile: null,
  proposedContent: null,
  fileHash: null
}

/** A completed review of these suggestions. */
export const reviewed = (number: number, job: string, suggestions: ReadonlyArray<Suggestion>): HealingRequest =>
  ended(number, 1000 * number, { job, report: { summary: "fine", suggestions }, signatures: [`of ${number}`] })
