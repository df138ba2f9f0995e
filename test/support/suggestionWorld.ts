/** What the tests of suggestions share: a job with real files, reviews that propose what the test says, and a service over them. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import {
  HealingConfig,
  HealingQueue,
  HealingStore,
  JobRegistry,
  OpenClaw,
  Reviewed,
  type Suggestion,
  type SuggestionEvent,
  type SuggestionSettingsInput,
  Suggestions,
  Supervisor
} from "effect-healing"
import { forScheduler } from "../../src/queue/ForScheduler.js"
import { settle } from "./gateWorld.js"
import { forFile, OLD, privateFolder } from "./proposals.js"
import { type Life, makeQueueWorld } from "./queueWorld.js"

export type SuggestionService = Context.Tag.Service<Suggestions>

export const anna = { who: "anna" }

export { forFile, NEW, OLD, privateFolder } from "./proposals.js"

/** All that stands in the folder, but for folders. */
export const filesIn = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")])
  )

export interface ServeOptions {
  readonly settings?: SuggestionSettingsInput | undefined
  readonly supervisor?: (supervisor: Context.Tag.Service<Supervisor>) => Context.Tag.Service<Supervisor>
}

export const makeSuggestionWorld = Effect.gen(function* () {
  const world = yield* makeQueueWorld({ cooldown: 0, maxReviewsPerDay: 1000 })
  const folder = yield* privateFolder
  const root = join(folder, "jobs")
  mkdirSync(root, { mode: 0o755 })
  const registryContext = yield* Layer.build(JobRegistry.layer)
  const registry = Context.get(registryContext, JobRegistry)
  const ownSupervisor = Context.get(registryContext, Supervisor)
  const events: Array<SuggestionEvent> = []

  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(root, name)
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    writeFileSync(path, content, { mode: 0o644 })
    return path
  }

  /** The job has these files. */
  const has = (job: string, ...paths: ReadonlyArray<string>) =>
    Effect.orDie(registry.add({ id: job, openClaw: true, files: paths.map((path) => ({ path, role: "script" })) }))

  /** The service, from its start to the end of the scope. */
  const serve = (life: Life, { settings, supervisor = (own) => own }: ServeOptions = {}) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(
        Suggestions.layer.pipe(
          Layer.provide(Layer.succeed(HealingQueue, life.queue)),
          Layer.provide(Layer.succeed(HealingStore, life.store)),
          Layer.provide(Layer.succeed(OpenClaw, life.openClaw)),
          Layer.provide(NodeFileSystem.layer),
          Layer.provide(Layer.succeed(Supervisor, supervisor(ownSupervisor))),
          Layer.provide(HealingConfig.layer({ suggestions: { allowedRoots: [root], asRoot: true, ...settings } }))
        )
      )
      const suggestions = Context.get(context, Suggestions)
      yield* Effect.forkScoped(Stream.runForEach(suggestions.events, (event) => Effect.sync(() => events.push(event))))
      yield* settle
      return suggestions
    })

  /** A review of the job, about a failure with this signature if there is one, proposes these; answers with their ids. */
  const reviewOf = (life: Life, job: string, proposed: ReadonlyArray<Suggestion>, signature: string | null) =>
    Effect.gen(function* () {
      const trigger = signature === null ? "manual" : "failure"
      const submission = yield* Effect.orDie(life.queue[forScheduler].submit({ job, trigger }, { signature }))
      yield* settle
      yield* world.end(job, Reviewed.Completed({ report: { summary: "fine", suggestions: proposed } }))
      yield* settle
      const number = submission.id.split(":").at(-1)
      return proposed.map((_, index) => `suggestion:${job}:${number}.${index + 1}`)
    })

  /** The same, about nothing. */
  const review = (life: Life, job: string, proposed: ReadonlyArray<Suggestion>) => reviewOf(life, job, proposed, null)

  /** The id of the one that a review of the job proposes for this file, as it is now. */
  const propose = (life: Life, job: string, path: string, content: string, others: Partial<Suggestion> = {}) =>
    Effect.gen(function* () {
      const [id = ""] = yield* review(life, job, [forFile(path, content, others)])
      return id
    })

  const told = Effect.zipRight(
    settle,
    Effect.sync(() => events.splice(0).map(({ _tag, suggestion }) => `${_tag} ${suggestion.id}`))
  )

  return {
    ...world,
    folder,
    root,
    registry,
    supervisor: ownSupervisor,
    write,
    has,
    serve,
    review,
    reviewOf,
    propose,
    told
  }
})

/** Approves what a preview shows, which must be free of problems. */
export const approve = (suggestions: SuggestionService, id: string, bigDeletion = false) =>
  Effect.gen(function* () {
    const { members, seal } = yield* suggestions.preview(id, { bigDeletion })
    const failed = members.flatMap(({ checks }) => checks.filter(({ passed }) => !passed))
    assert.deepStrictEqual(failed, [])
    assert(seal !== null)
    return yield* suggestions.approve(id, { seal, ...anna })
  })

/** The names of the checks that fail in a preview. */
export const failing = (suggestions: SuggestionService, id: string, bigDeletion = false) =>
  Effect.map(suggestions.preview(id, { bigDeletion }), ({ members, seal }) => {
    const failed = members.flatMap(({ checks }) => checks.filter(({ passed }) => !passed).map(({ check }) => check))
    assert.strictEqual(seal === null, failed.length > 0)
    return failed
  })

/** A world with a service over a job `x` of one file. */
export const withFile = Effect.gen(function* () {
  const world = yield* makeSuggestionWorld
  const life = yield* world.start
  const suggestions = yield* world.serve(life)
  const path = world.write("job.sh", OLD)
  yield* world.has("x", path)
  return { ...world, life, path, suggestions }
})
