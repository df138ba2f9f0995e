/** A process of a user that is not root: it tries to change each file that it is told, and says how that went. */
import { createHash } from "node:crypto"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import Database from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { Healing, HealingQueue, JobRegistry, Reviewed, Reviewer, Suggestions } from "../../src/index.js"

interface Orders {
  readonly after: string
  readonly before: string
  readonly paths: ReadonlyArray<string>
  readonly root: string
  readonly user: number
}

const { after, before, paths, root, user }: Orders = JSON.parse(process.argv[2] ?? "")

// What it needs of packages is loaded by then: another user may not look into their folder, nor into that of Node.
new Database(":memory:").close()
process.setgroups?.([user])
process.setgid?.(user)
process.setuid?.(user)

const ReviewerLive = Layer.succeed(Reviewer, {
  review: () =>
    Effect.succeed(
      Reviewed.Completed({
        report: {
          summary: "fine",
          suggestions: paths.map((targetFile) => ({
            category: "script",
            severity: "low",
            title: "Change it.",
            description: "It is time.",
            currentState: null,
            change: "All of it.",
            expectedImpact: null,
            targetFile,
            proposedContent: after,
            fileHash: `sha256:${createHash("sha256").update(before).digest("hex")}`
          }))
        }
      })
    )
})

const who = { who: "a person" }

const change = (id: string) =>
  Effect.gen(function* () {
    const suggestions = yield* Suggestions
    const { members, seal } = yield* suggestions.preview(id)
    const failed = members.flatMap(({ checks }) => checks.filter(({ passed }) => !passed))
    if (seal === null) return failed.map(({ check }) => check).join(" ")
    yield* suggestions.approve(id, { ...who, seal })
    return (yield* suggestions.apply(id, who)).state
  }).pipe(Effect.catchAll(({ message }) => Effect.succeed(message)))

Effect.gen(function* () {
  const registry = yield* JobRegistry
  yield* registry.add({ id: "x", files: paths.map((path) => ({ path, role: "script" as const })) })
  const { id } = yield* Effect.flatMap(HealingQueue, (queue) => queue.heal({ job: "x" }))
  const number = id.split(":").at(-1)
  const outcomes = yield* Effect.forEach(paths, (_, index) => change(`suggestion:x:${number}.${index + 1}`))
  yield* Effect.sync(() => process.stdout.write(JSON.stringify(outcomes)))
}).pipe(
  Effect.provide(
    Healing.layerSupervised({
      filename: ":memory:",
      reviewer: ReviewerLive,
      settings: { quietPeriod: 0, suggestions: { allowedRoots: [root] } }
    }).pipe(
      Layer.provideMerge(JobRegistry.layer),
      Layer.provideMerge(NodeContext.layer),
      Layer.provideMerge(Logger.remove(Logger.defaultLogger))
    )
  ),
  NodeRuntime.runMain
)
