/**
 * A process that has suggestions reviewed, approved, applied and taken back, one after the other, until it is killed. It says on its standard
 * output what it finds when it begins, and what it is about to do.
 */
import { createHash } from "node:crypto"
import { lstatSync, readdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import { Healing, HealingQueue, JobRegistry, Reviewed, Reviewer, Suggestions } from "../../src/index.js"
import { contentOf, type Found, type Orders } from "./Killed.js"

const { database, file, root, seed }: Orders = JSON.parse(process.argv[2] ?? "")

const say = (line: Found | string): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const hashOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`

const versionOf = (text: string): number => Number(/^v(\d+)/.exec(text)?.[1])

const ReviewerLive = Layer.succeed(Reviewer, {
  review: () =>
    Effect.sync(() => {
      const now = readFileSync(file, "utf8")
      return Reviewed.Completed({
        report: {
          summary: "It could be newer.",
          suggestions: [
            {
              category: "script",
              severity: "low",
              title: "Take the next version.",
              description: "It is newer.",
              currentState: null,
              change: "All of it.",
              expectedImpact: null,
              targetFile: file,
              proposedContent: contentOf(versionOf(now) + 1),
              fileHash: hashOf(now)
            }
          ]
        }
      })
    })
})

const found = Effect.gen(function* () {
  const suggestions = yield* Suggestions
  const all = yield* suggestions.list({ limit: 1000 })
  const { gid, mode, uid } = lstatSync(file)
  const steps = yield* Effect.forEach(all, ({ id }) => suggestions.steps(id))
  return {
    content: readFileSync(file, "utf8"),
    owner: [uid, gid, mode & 0o7777],
    beside: readdirSync(dirname(file)),
    suggestions: all.map(({ id, state, suggestion }, index) => ({
      id,
      state,
      content: suggestion.proposedContent ?? "",
      lastStep: steps[index]?.at(-1)?.to ?? ""
    }))
  }
})

const who = { who: "a person" }

/** What the last life has left is gone on with. */
const step = Effect.gen(function* () {
  const suggestions = yield* Suggestions
  const [approved] = yield* suggestions.list({ states: ["approved"], limit: 1 })
  if (approved !== undefined) {
    say("apply")
    return yield* suggestions.apply(approved.id, who)
  }
  const [applied] = yield* suggestions.list({ states: ["applied"], limit: 1 })
  const isNow = applied?.suggestion.proposedContent === readFileSync(file, "utf8")
  if (applied !== undefined && isNow && (yield* Random.nextBoolean)) {
    say("rollback")
    return yield* suggestions.rollback(applied.id, who)
  }
  yield* Effect.flatMap(HealingQueue, (queue) => queue.heal({ job: "x" }))
  const [pending] = yield* suggestions.list({ states: ["pending"], limit: 1 })
  const id = pending?.id ?? ""
  const { seal } = yield* suggestions.preview(id, { bigDeletion: true })
  return yield* suggestions.approve(id, { ...who, seal: seal ?? "" })
})

const program = Effect.gen(function* () {
  const registry = yield* JobRegistry
  yield* registry.add({ id: "x", files: [{ path: file, role: "script" }] })
  say(yield* found)
  return yield* Effect.forever(Effect.zipRight(step, Effect.sleep(0)))
}).pipe(
  Effect.provide(
    Healing.layerSupervised({
      filename: database,
      reviewer: ReviewerLive,
      settings: { quietPeriod: 0, suggestions: { allowedRoots: [root], asRoot: true } }
    }).pipe(
      Layer.provideMerge(JobRegistry.layer),
      Layer.provideMerge(NodeContext.layer),
      Layer.provideMerge(Logger.remove(Logger.defaultLogger))
    )
  ),
  Effect.withRandom(Random.make(seed))
)

NodeRuntime.runMain(program, { disableErrorReporting: false })
