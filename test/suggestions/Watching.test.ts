/** What becomes of changes that were made, by the runs after them (R21), and restarts. */
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Option, TestClock } from "effect"
import { SupervisorError } from "effect-healing"
import { causeOf } from "../../src/scheduler/FailureSignature.js"
import { terms, watch } from "../../src/store/Change.js"
import { hook } from "../../src/suggestions/Hooks.js"
import { logMarks } from "../../src/suggestions/JobEvidence.js"
import { signatureOfFailure } from "../support/failureSignature.js"
import { macrotask, settle } from "../support/gateWorld.js"
import { isFull } from "../support/property.js"
import { aSuggestion } from "../support/storeSamples.js"
import { anna, approve, forFile, makeSuggestionWorld, NEW, OLD } from "../support/suggestionWorld.js"

const silent = Effect.provide(Logger.remove(Logger.defaultLogger))

const ERROR = "Error: the disk is full\n"

/** Far more than it takes to read a file. */
const MAX_TURNS = 20_000

/** How a run goes, and what it prints: that error if it fails. */
interface How {
  readonly stopped?: boolean
  readonly breaches?: boolean
  readonly prints?: string
}

/** A change that was made after a failure with this error, before which the job has printed something. */
const withAppliedAfter = Effect.fnUntraced(function* (printed: string) {
  const world = yield* makeSuggestionWorld
  const life = yield* world.start
  const suggestions = yield* world.serve(life)
  const { registry } = world
  const path = world.write("job.sh", OLD)
  yield* registry.add({ id: "x", files: [{ path, role: "script" }] })
  /** One that takes a second. */
  const run = (exitCode: number, how: How = {}) =>
    Effect.gen(function* () {
      const id = yield* registry.started("x")
      yield* TestClock.adjust("1 second")
      if (how.breaches === true) yield* registry.breached("x", "too late", id)
      yield* settle
      yield* registry.print("x", how.prints ?? (exitCode === 0 ? "fine\n" : ERROR))
      yield* registry.ended("x", id, { exitCode, stopped: how.stopped })
      yield* settle
      yield* settle
      return id
    })
  yield* registry.print("x", printed)
  const failedRun = yield* run(1)
  const signature = yield* signatureOfFailure(world.supervisor, "x", failedRun, 1)
  const [id = ""] = yield* world.reviewOf(life, "x", [forFile(path, NEW)], signature)
  yield* TestClock.adjust("1 second")
  yield* approve(suggestions, id)
  yield* suggestions.apply(id, anna)
  yield* TestClock.adjust("1 second")
  yield* world.told
  const state = Effect.map(suggestions.get(id), (found) => Option.getOrThrow(found).state)
  /** It becomes this, when files have been read, of which the test has no sign. */
  const becomes = (wanted: string, other = id) =>
    Effect.gen(function* () {
      const state = Effect.map(suggestions.get(other), (found) => Option.getOrThrow(found).state)
      for (let turn = 0; turn < MAX_TURNS && (yield* state) !== wanted; turn++) yield* macrotask
      assert.strictEqual(yield* state, wanted)
    })
  return { ...world, becomes, id, life, path, run, state, suggestions }
})

const withApplied = withAppliedAfter("")

describe("a change", () => {
  it.scoped("is confirmed after three good runs, and not before", () =>
    Effect.gen(function* () {
      const { id, run, state, suggestions, told } = yield* withApplied
      yield* run(0)
      yield* run(0)
      assert.strictEqual(yield* state, "applied")
      assert.deepStrictEqual(yield* told, [])
      yield* run(0)
      assert.strictEqual(yield* state, "confirmed")
      assert.deepStrictEqual(yield* told, [`Confirmed ${id}`])
      const steps = yield* suggestions.steps(id)
      assert.deepInclude(steps.at(-1), {
        from: "applied",
        to: "confirmed",
        reason: "3 good runs",
        by: { who: "effect-healing", door: "watch" }
      })
      yield* suggestions.rollback(id, anna)
      assert.strictEqual(yield* state, "rolled_back")
    })
  )

  it.scoped("counts no run that has begun before it, was stopped, or has broken an SLA", () =>
    Effect.gen(function* () {
      const { id, life, path, propose, registry, run, suggestions } = yield* withApplied
      yield* suggestions.rollback(id, anna)
      const early = yield* registry.started("x")
      yield* TestClock.adjust("1 second")
      const next = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, next)
      yield* suggestions.apply(next, anna)
      yield* TestClock.adjust("1 second")
      yield* registry.ended("x", early, { exitCode: 0 })
      yield* run(0)
      yield* run(0)
      yield* run(1, { stopped: true })
      yield* run(0, { breaches: true })
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(next)).state, "applied")
      yield* run(0)
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(next)).state, "confirmed")
    })
  )

  it.scoped("forgets a good run that turns out to have broken an SLA", () =>
    Effect.gen(function* () {
      const { registry, run, state } = yield* withApplied
      yield* run(0)
      const second = yield* run(0)
      yield* registry.breached("x", "too long", second)
      yield* settle
      yield* settle
      yield* run(0)
      assert.strictEqual(yield* state, "applied")
      yield* run(0)
      assert.strictEqual(yield* state, "confirmed")
    })
  )

  it.scoped("keeps its count over restarts", () =>
    Effect.gen(function* () {
      const { id, life, run, serve, start, suggestions } = yield* withApplied
      yield* run(0)
      yield* run(0)
      assert.deepStrictEqual(Option.getOrThrow(yield* suggestions.get(id)).watch?.good.length, 2)
      yield* life.stop
      const again = yield* serve(yield* start)
      yield* settle
      yield* run(0)
      assert.strictEqual(Option.getOrThrow(yield* again.get(id)).state, "confirmed")
    })
  )

  it.scoped("has relapsed at a failure for the same cause, though its file is another", () =>
    Effect.gen(function* () {
      const { becomes, id, run, state, suggestions, told } = yield* withApplied
      yield* run(0)
      const failed = yield* run(1)
      yield* becomes("relapsed")
      assert.deepStrictEqual(yield* told, [`Relapsed ${id}`])
      const last = (yield* suggestions.steps(id)).at(-1)
      assert.strictEqual(last?.reason, `the run ${failed} has failed for the cause that the review was about`)
      // Later runs change nothing.
      yield* run(0)
      yield* run(0)
      yield* run(0)
      assert.strictEqual(yield* state, "relapsed")
      yield* suggestions.rollback(id, anna)
    }).pipe(silent)
  )

  it.scoped("is inconclusive at a failure for another cause", () =>
    Effect.gen(function* () {
      const { becomes, id, run, told } = yield* withApplied
      yield* run(1, { prints: "Error: no such table\n" })
      yield* becomes("inconclusive")
      assert.deepStrictEqual(yield* told, [`Inconclusive ${id}`])
    }).pipe(silent)
  )

  /** Lines of all lengths. */
  const LONG = Array.from({ length: 2000 }, (_, line) => `${"fine".repeat(line % 41)}\n`).join("")

  const kinds = [ERROR, "", "nothing of note\n"].flatMap((prints) =>
    ["", LONG].flatMap((before) =>
      [[], [`fine\n${ERROR}`]].flatMap((good) => [true, false].map((restarts) => ({ prints, before, good, restarts })))
    )
  )

  it.scoped("is judged by what the logs got since, and not by what stood in them before", () =>
    Effect.forEach(
      kinds.filter(({ good, prints, restarts }) => isFull || (prints !== "" && restarts === good.length > 0)),
      ({ before, good, prints, restarts }) =>
        Effect.gen(function* () {
          // The registry forgets what is further up.
          const { becomes, life, run, serve, start } = yield* withAppliedAfter(before)
          for (const prints of good) yield* run(0, { prints })
          if (restarts) {
            yield* life.stop
            yield* serve(yield* start)
          }
          yield* run(1, { prints })
          yield* becomes(prints === ERROR ? "relapsed" : "inconclusive")
        }).pipe(silent, Effect.scoped)
    )
  )

  it.scoped("is judged by what a log got since, be it a file or a text, also if that was begun anew", () =>
    Effect.gen(function* () {
      for (const [before, after, verdict] of [
        [ERROR, ERROR, "inconclusive"],
        [ERROR, `${ERROR}${ERROR}`, "relapsed"],
        [`${"fine\n".repeat(20)}${ERROR}`, ERROR, "relapsed"],
        [ERROR, `${ERROR.replace("disk", "tape")}${"bye\n".repeat(20)}`, "relapsed"],
        [undefined, ERROR, "relapsed"]
      ] as const) {
        const { folder, registry, supervisor } = yield* makeSuggestionWorld
        const path = join(folder, "job.log")
        const logs = {
          file: (text: string | undefined) => {
            if (text !== undefined) writeFileSync(path, text)
            return { name: "stderr", path }
          },
          text: (text = "") => ({ name: "stderr", text })
        }
        for (const log of [logs.file, logs.text]) {
          yield* registry.add({ id: "x", logs: [log(before)] })
          const marks = yield* logMarks(supervisor, "x")
          yield* registry.add({ id: "x", logs: [log(after)] })
          const found = yield* signatureOfFailure(supervisor, "x", "1", 1, marks ?? [])
          assert.strictEqual(found === null ? "inconclusive" : "relapsed", verdict)
          rmSync(path, { force: true })
        }
      }
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scoped("has relapsed though its job fails before anybody could look at its logs", () =>
    Effect.gen(function* () {
      const { becomes, id, life, path, registry, reviewOf, suggestions } = yield* withApplied
      yield* suggestions.rollback(id, anna)
      const [signature = ""] = Option.getOrThrow(yield* suggestions.get(id)).signatures
      const [next = ""] = yield* reviewOf(life, "x", [forFile(path, NEW)], `${causeOf(signature)}.0`)
      yield* approve(suggestions, next)
      yield* TestClock.adjust("1 second")
      yield* suggestions.apply(next, anna)
      const run = yield* registry.started("x")
      yield* registry.print("x", ERROR)
      yield* registry.ended("x", run, { exitCode: 1 })
      yield* becomes("relapsed", next)
    }).pipe(silent)
  )

  it.scoped("of which it is not known how long its logs were is not said to have relapsed", () =>
    Effect.gen(function* () {
      const { becomes, id, life, run, suggestions } = yield* withApplied
      const applied = Option.getOrThrow(yield* suggestions.get(id))
      yield* life.store.commit([watch({ ...applied, watch: { since: 0, good: [], logs: null } })])
      yield* run(1)
      yield* becomes("inconclusive")
    }).pipe(silent)
  )

  it.scoped("that was found to be applied is watched from then on", () =>
    Effect.gen(function* () {
      const { becomes, id, life, path, reviewOf, run, suggestions } = yield* withApplied
      const [signature = ""] = Option.getOrThrow(yield* suggestions.get(id)).signatures
      yield* suggestions.rollback(id, anna)
      // For the same cause, though what has failed is another.
      const [next = ""] = yield* reviewOf(life, "x", [forFile(path, NEW)], `${causeOf(signature)}.0`)
      writeFileSync(path, NEW)
      yield* suggestions.preview(next)
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.isNotNull(Option.getOrThrow(yield* suggestions.get(next)).watch?.logs)
      yield* run(1)
      yield* becomes("relapsed", next)
    }).pipe(silent)
  )

  it.scoped("is not confirmed if it does not stand in its file any more, whoever has changed that", () =>
    Effect.gen(function* () {
      for (const content of [OLD, `${NEW}# somebody's\n`]) {
        const { path, run, state, suggestions, id } = yield* withApplied
        writeFileSync(path, content)
        for (let i = 0; i < 3; i++) yield* run(0)
        assert.strictEqual(yield* state, "inconclusive")
        assert.include((yield* suggestions.steps(id)).at(-1)?.reason, "its file was changed by somebody else")
      }
    }).pipe(silent)
  )

  it.scoped("does not count a run with a breach of which it is not said in which run it was", () =>
    Effect.gen(function* () {
      const { registry, run, state } = yield* withApplied
      for (let i = 0; i < 3; i++) {
        yield* run(0)
        yield* registry.breached("x", "too late")
        yield* settle
        yield* settle
      }
      assert.strictEqual(yield* state, "applied")
    })
  )

  it.scoped("has relapsed also if that cannot be written at once", () =>
    Effect.gen(function* () {
      const { becomes, disk, run } = yield* withApplied
      disk.fail("Full")
      yield* run(1)
      for (let turn = 0; turn < 200; turn++) yield* macrotask
      disk.repair()
      yield* TestClock.adjust("1 minute")
      yield* settle
      yield* becomes("relapsed")
    }).pipe(silent)
  )

  it.scoped("is as long ago as before when the clock is set", () =>
    Effect.gen(function* () {
      const { id, life, suggestions } = yield* withApplied
      const before = Option.getOrThrow(yield* suggestions.get(id))
      yield* life.store.commit([terms(-3_600_000)])
      const after = Option.getOrThrow(yield* suggestions.get(id))
      assert.strictEqual(Number(after.watch?.since) - Number(before.watch?.since), -3_600_000)
      assert.strictEqual(Number(after.expiresAt) - Number(before.expiresAt), -3_600_000)
    })
  )

  it.scoped("is inconclusive if too little was seen in seven days", () =>
    Effect.gen(function* () {
      const { id, run, state, suggestions, told } = yield* withApplied
      yield* run(0)
      for (let day = 0; day < 6; day++) yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* state, "applied")
      yield* TestClock.adjust("1 day")
      assert.strictEqual(yield* state, "inconclusive")
      assert.deepStrictEqual(yield* told, [`Inconclusive ${id}`])
      assert.include((yield* suggestions.steps(id)).at(-1)?.reason, "too little was seen")
      yield* suggestions.rollback(id, anna)
    }).pipe(silent)
  )

  it.scoped("that is advice is watched all the same", () =>
    Effect.gen(function* () {
      const { life, review, run, suggestions } = yield* withApplied
      const [id = ""] = yield* review(life, "x", [aSuggestion])
      const { seal } = yield* suggestions.preview(id)
      yield* suggestions.approve(id, { ...anna, seal: seal ?? "" })
      yield* TestClock.adjust("1 second")
      for (let i = 0; i < 3; i++) yield* run(0)
      assert.strictEqual(Option.getOrThrow(yield* suggestions.get(id)).state, "confirmed")
    })
  )
})

describe("a job that is always up", () => {
  /** With a service whose restarts are counted. */
  const withService = Effect.gen(function* () {
    const world = yield* makeSuggestionWorld
    const life = yield* world.start
    const suggestions = yield* world.serve(life)
    const { registry } = world
    const path = world.write("service.sh", OLD)
    const seen: Array<string> = []
    const service: { run: string; restarts: number; fails: boolean } = { run: "", restarts: 0, fails: false }
    const begin = Effect.map(Effect.orDie(registry.started("x")), (run) => {
      service.run = run
      seen.push(readFileSync(path, "utf8"))
    })
    const restart = Effect.suspend(() => {
      if (service.fails) return new SupervisorError({ detail: "it is stuck" })
      service.restarts++
      return Effect.zipRight(Effect.orDie(registry.ended("x", service.run, { stopped: true })), begin)
    })
    yield* registry.add({ id: "x", alwaysUp: true, restart, files: [{ path, role: "script" }] })
    yield* begin
    const id = yield* world.propose(life, "x", path, NEW)
    yield* TestClock.adjust("1 second")
    const approveRestart = (allowances: { readonly restart?: boolean } = { restart: true }) =>
      Effect.gen(function* () {
        const { seal } = yield* suggestions.preview(id, allowances)
        return yield* suggestions.approve(id, { ...anna, seal: seal ?? "" })
      })
    const state = Effect.map(suggestions.get(id), (found) => Option.getOrThrow(found).state)
    return { ...world, approveRestart, begin, id, life, path, seen, service, state, suggestions }
  })

  it.scoped("is restarted if the seal says so, and confirms a change when it has stayed up", () =>
    Effect.gen(function* () {
      const { approveRestart, id, seen, service, state, suggestions } = yield* withService
      const plain = yield* suggestions.preview(id)
      const { members, restart, seal } = yield* suggestions.preview(id, { restart: true })
      assert.isTrue(restart)
      assert.notStrictEqual(seal, plain.seal)
      assert.isTrue(members[0]?.checks.find(({ check }) => check === "restart")?.passed)
      const { approval } = yield* approveRestart()
      assert.deepInclude(approval, { restart: true })
      yield* suggestions.apply(id, anna)
      assert.strictEqual(service.restarts, 1)
      assert.deepStrictEqual(seen, [OLD, NEW])
      yield* settle
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual(yield* state, "applied")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* state, "confirmed")
      yield* suggestions.rollback(id, anna)
      assert.strictEqual(service.restarts, 2)
      assert.deepStrictEqual(seen, [OLD, NEW, OLD])
    })
  )

  it.scoped("is not restarted if the seal does not say so, and then nothing was seen of the change", () =>
    Effect.gen(function* () {
      const { approveRestart, begin, id, registry, service, state, suggestions } = yield* withService
      yield* approveRestart({})
      yield* suggestions.apply(id, anna)
      assert.strictEqual(service.restarts, 0)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* state, "applied")
      yield* registry.ended("x", service.run, { exitCode: 0 })
      yield* begin
      yield* settle
      yield* TestClock.adjust("5 minutes")
      // It has not stayed up, and has no good end.
      for (let i = 0; i < 3; i++) {
        yield* registry.ended("x", service.run, { exitCode: 0 })
        yield* begin
        yield* settle
      }
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual(yield* state, "applied")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* state, "confirmed")
    })
  )

  it.scoped("of which the supervisor tells again after a restart of this process is watched on", () =>
    Effect.gen(function* () {
      const { approveRestart, id, life, serve, start, suggestions } = yield* withService
      yield* approveRestart()
      yield* suggestions.apply(id, anna)
      yield* settle
      yield* TestClock.adjust("6 minutes")
      yield* life.stop
      const again = yield* serve(yield* start)
      yield* settle
      // From when it is first seen, since the clock may have been set meanwhile.
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual(Option.getOrThrow(yield* again.get(id)).state, "applied")
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.strictEqual(Option.getOrThrow(yield* again.get(id)).state, "confirmed")
    })
  )

  it.scoped("confirms nothing while another instance runs from before the change, or after a breach", () =>
    Effect.gen(function* () {
      const { approveRestart, begin, id, registry, service, state, suggestions } = yield* withService
      // The second instance, which is not restarted.
      const old = service.run
      yield* begin
      yield* approveRestart()
      yield* suggestions.apply(id, anna)
      yield* settle
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* state, "applied")
      yield* registry.ended("x", old, { stopped: true })
      yield* registry.breached("x", "too slow", service.run)
      yield* settle
      yield* settle
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual(yield* state, "applied")
      yield* TestClock.adjust("1 minute")
      yield* settle
      assert.strictEqual(yield* state, "confirmed")
    })
  )

  it.scoped("is restarted although its caller is interrupted, and for what was found to be applied", () =>
    Effect.gen(function* () {
      const { approveRestart, id, path, service, suggestions } = yield* withService
      yield* approveRestart()
      writeFileSync(path, NEW)
      assert.strictEqual((yield* suggestions.apply(id, anna)).state, "applied")
      assert.strictEqual(service.restarts, 1)
    })
  )

  it.scoped("that cannot be restarted is said, in a preview and after an application", () =>
    Effect.gen(function* () {
      const { approveRestart, id, path, registry, service, state, suggestions } = yield* withService
      yield* approveRestart()
      service.fails = true
      const error = yield* Effect.flip(suggestions.apply(id, anna))
      assert.strictEqual(error._tag, "SuggestionNotRestarted")
      assert.include(error.message, "restart it by hand: it is stuck")
      assert.strictEqual(yield* state, "applied")
      assert.strictEqual(readFileSync(path, "utf8"), NEW)
      yield* registry.add({ id: "x", files: [{ path, role: "script" }] })
      const { members, seal } = yield* suggestions.preview(id, { restart: true })
      assert.isNull(seal)
      assert.include(
        members[0]?.checks.find(({ check }) => check === "restart")?.detail,
        "the job is not always up: it takes the change at its next run"
      )
    })
  )

  it.scoped("killed before its restart says so in its row", () =>
    Effect.gen(function* () {
      const { approveRestart, disk, id, life, serve, service, start, suggestions } = yield* withService
      yield* approveRestart()
      yield* Effect.forkDaemon(
        Effect.locally(suggestions.apply(id, anna), hook, (step) => (step === "record" ? Effect.never : Effect.void))
      )
      yield* settle
      disk.fail("Unavailable")
      yield* life.crash
      const again = yield* serve(yield* start)
      assert.strictEqual(service.restarts, 0)
      assert.include((yield* again.steps(id)).at(-1)?.reason, "before its job was restarted")
    }).pipe(silent)
  )
})
