/** What the tests of dossiers share: a supervisor with one job, and what is gathered about it. */
import * as NodeFs from "node:fs"
import { FileSystem, Path } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import {
  type Evidence,
  type EvidenceScope,
  HealingConfig,
  type HealingRequest,
  type HealingSettingsInput,
  HealingStore,
  type JobInfo,
  type Run,
  Supervisor,
  type SupervisorError
} from "effect-healing"
import { type Dossier, type Exhibit, gather } from "../../src/review/Dossier.js"
import type { Change } from "../../src/store/Change.js"
import { aRequest, insert } from "./storeSamples.js"

export const aJob: JobInfo = { id: "A", kind: "cron", openClaw: true, policy: {} }

export const nothing: Evidence = { command: "node digest.js", runs: [], slaBreaches: [], logs: [], files: [] }

export const aRun = (id: string, startedAt: number | null, fields: Partial<Run> = {}): Run => ({
  id,
  outcome: "succeeded",
  startedAt,
  endedAt: startedAt,
  exitCode: 0,
  ...fields
})

/** A request whose turn has come. */
export const wanted = (
  triggers: HealingRequest["triggers"] = ["failure"],
  fields: Partial<HealingRequest> = {}
): HealingRequest => aRequest(1000, { state: "running", triggers, ...fields })

export interface Case {
  readonly jobs?: Effect.Effect<ReadonlyArray<JobInfo>, SupervisorError>
  readonly evidence?: Partial<Evidence> | ((scope: EvidenceScope) => Effect.Effect<Evidence, SupervisorError>)
  readonly settings?: HealingSettingsInput
  /** What has ended before. */
  readonly history?: ReadonlyArray<HealingRequest>
  /** What has happened to suggestions. */
  readonly changes?: ReadonlyArray<Change>
}

/** What is gathered, and what the adapter was asked for. */
export const gathering = (
  request: HealingRequest,
  { changes = [], evidence = {}, history = [], jobs = Effect.succeed([aJob]), settings }: Case
) =>
  Effect.gen(function* () {
    const scopes: Array<EvidenceScope> = []
    const store = Context.get(yield* Layer.build(HealingStore.layerMemory), HealingStore)
    yield* store.commit([...history.map(insert), ...changes])
    const gathered = yield* gather(request).pipe(
      Effect.provideService(HealingStore, store),
      Effect.provide(HealingConfig.layer(settings)),
      Effect.provideService(Supervisor, {
        jobs,
        activity: Stream.never,
        events: Stream.never,
        runs: Stream.never,
        evidence: (_, scope) => {
          scopes.push(scope)
          return typeof evidence === "function" ? evidence(scope) : Effect.succeed({ ...nothing, ...evidence })
        }
      })
    )
    return { gathered, scopes }
  }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

export const dossierOf = (request: HealingRequest, how: Case) =>
  Effect.map(gathering(request, how), ({ gathered }) =>
    gathered._tag === "Dossier" ? gathered.dossier : assert.fail(`nothing: ${gathered.reason}`)
  )

export const exhibitOf = ({ exhibits }: Dossier, title: string): Exhibit =>
  exhibits.find((exhibit) => exhibit.title.startsWith(title)) ?? assert.fail(`there is no ${title}`)

/** A folder of its own, and how to write into it. */
export const makeFolder = Effect.gen(function* () {
  const path = yield* Path.Path
  const folder = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())
  return (name: string, content?: string): string => {
    const file = path.join(folder, name)
    if (content !== undefined) NodeFs.writeFileSync(file, content)
    return file
  }
}).pipe(Effect.provide(NodeContext.layer))
