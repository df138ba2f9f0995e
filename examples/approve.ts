/**
 * A job fails, a review suggests how to mend its script, and a person decides: the change is shown, approved, applied, and watched.
 *
 *     npx tsx examples/approve.ts
 *     npx tsx examples/approve.ts --relapse    # what is suggested does not help, and is taken back
 */
import { createInterface } from "node:readline/promises"
import { Command, FileSystem, Path } from "@effect/platform"
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer, Stream } from "effect"
import { Healing, JobRegistry, Reviewed, Reviewer, type Suggestion, Suggestions } from "effect-healing"

const JOB = "nightly-digest"

const relapses = process.argv.includes("--relapse")

const script = `const mails = undefined
console.log("digest: reading the mails")
console.log(\`digest: \${mails.length} mails\`)
console.log("digest: sent")
`

const better = script.replace("const mails = undefined", "const mails = []")

/** It looks right, and fails as before. */
const noBetter = script.replace("const mails = undefined", "const mails = undefined // none yet")

/** Stands for an AI, which would read the evidence: `OpenClawReviewer.layer()` of effect-healing/openclaw is one. */
const standIn = (file: string, fileHash: string) =>
  Layer.succeed(Reviewer, {
    review: () => {
      const mended: Suggestion = {
        category: "script",
        severity: "high",
        title: "Begin with an empty list of mails",
        description: "The script reads the length of something that is not there.",
        currentState: null,
        change: "Let mails be an empty list.",
        expectedImpact: "The digest is sent, also when there is no mail.",
        targetFile: file,
        proposedContent: relapses ? noBetter : better,
        fileHash
      }
      return Effect.succeed(Reviewed.Completed({ report: { summary: "mails is undefined", suggestions: [mended] } }))
    }
  })

/** One run of the job, as a process of its own. */
const run = (file: string) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    const runId = yield* registry.started(JOB)
    const child = yield* Command.start(Command.make(process.execPath, file))
    const text = (bytes: typeof child.stdout) => bytes.pipe(Stream.decodeText(), Stream.mkString)
    const { exitCode, stderr, stdout } = yield* Effect.all(
      { exitCode: child.exitCode, stdout: text(child.stdout), stderr: text(child.stderr) },
      { concurrency: "unbounded" }
    )
    const lastError = stderr.split("\n").find((line) => line.includes("Error: ")) ?? null
    yield* registry.print(JOB, stderr)
    yield* registry.ended(JOB, runId, { exitCode, lastError })
    const last = stdout.trim().split("\n").at(-1)
    yield* Console.log(`${JOB} ends with ${exitCode}: ${lastError ?? last}`)
  }).pipe(Effect.scoped)

const ask = (question: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() => createInterface({ input: process.stdin, output: process.stdout })),
    (terminal) => Effect.promise(() => terminal.question(question)),
    (terminal) => Effect.sync(() => terminal.close())
  )

/** What becomes of the suggestion, as soon as it does. */
const next = (stream: (typeof Suggestions.Service)["events"], tags: ReadonlyArray<string>) =>
  stream.pipe(
    Stream.filter(({ _tag }) => tags.includes(_tag)),
    Stream.runHead,
    Effect.flatten,
    Effect.map(({ suggestion }) => suggestion)
  )

const program = (file: string) =>
  Effect.gen(function* () {
    const registry = yield* JobRegistry
    const suggestions = yield* Suggestions
    const who = { who: process.env.USER ?? "somebody", door: "terminal" }
    yield* registry.add({ id: JOB, files: [{ path: file, role: "script" }] })

    const proposed = yield* Effect.fork(next(suggestions.events, ["Proposed"]))
    yield* Effect.yieldNow()
    yield* run(file)
    const { id, suggestion } = yield* proposed
    yield* Console.log(`\nA review suggests: ${suggestion.title}\n`)

    const { members, seal } = yield* suggestions.preview(id)
    for (const { checks, diff } of members) {
      yield* Console.log(diff)
      for (const { check, detail, passed } of checks) {
        yield* Console.log(`  ${passed ? "passed" : "FAILED"}  ${check}: ${detail}`)
      }
    }
    if (seal === null) return yield* Console.log("\nIt cannot be approved as things are.")
    if (!/^y/i.test(yield* ask("\nApply exactly this? [y/n] "))) {
      yield* suggestions.reject(id, who)
      return yield* Console.log("It is rejected, and nothing was changed.")
    }
    yield* suggestions.approve(id, { ...who, seal })
    yield* suggestions.apply(id, who)
    yield* Console.log("It is applied. The next runs are watched:\n")

    const judged = yield* Effect.fork(next(suggestions.events, ["Confirmed", "Relapsed", "Inconclusive"]))
    yield* Effect.yieldNow()
    for (let runs = 0; runs < (relapses ? 1 : 3); runs++) yield* run(file)
    const { reason, state } = yield* judged
    yield* Console.log(`\nThe change is ${state}: ${reason}`)
    if (state !== "relapsed") return
    yield* suggestions.rollback(id, { ...who, reason: "it does not help" })
    yield* Console.log("It is taken back: the script is as it was.")
  })

/** What an app provides, over a folder that goes with the example. */
const main = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* Effect.flatMap(fs.makeTempDirectoryScoped({ prefix: "effect-healing-approve-" }), fs.realPath)
  const file = path.join(folder, "digest.mjs")
  yield* fs.writeFileString(file, script)
  const digest = new Uint8Array(
    yield* Effect.promise(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode(script)))
  )
  const hash = `sha256:${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`
  const HealingLive = Healing.layerSupervised({
    filename: path.join(folder, "healing.db"),
    reviewer: standIn(file, hash),
    // Nothing can be changed until somebody says where. Only an example runs as root.
    settings: { suggestions: { allowedRoots: [folder], asRoot: process.getuid?.() === 0 } }
  }).pipe(Layer.provideMerge(JobRegistry.layer))
  yield* Effect.provide(program(file), HealingLive)
}).pipe(Effect.scoped, Effect.provide(NodeContext.layer))

NodeRuntime.runMain(main)
