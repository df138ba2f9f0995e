/**
 * Generated lives under rules for automatic application, against a model: whatever reviews propose, jobs do and people decide, each file holds
 * what the model says, and nothing is written but by a person or by a rule that is for it.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, FastCheck, Logger, Option, Scope, TestClock, TestContext } from "effect"
import type { AutoApplyRule, SuggestionState } from "effect-healing"
import { causeOf } from "../../src/scheduler/FailureSignature.js"
import { signatureOfFailure } from "../support/failureSignature.js"
import { macrotask, settle } from "../support/gateWorld.js"
import { parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"
import { anna, approve, forFile, makeSuggestionWorld } from "../support/suggestionWorld.js"

const RUNS = runsOf({ few: 1, many: 60 })

const ERROR = "Error: the disk is full\n"

const JOBS = ["a", "b"] as const

const FILES = ["one.sh", "two.md"] as const

type Job = (typeof JOBS)[number]

/** Of the files, it is for one, and of the severities not for the highest. */
const RULE: AutoApplyRule = {
  name: "scripts",
  jobs: ["*"],
  paths: ["*/*.sh", "b/*"],
  roles: ["script"],
  maxChangedLines: 4,
  severities: ["low", "medium", "high"]
}

const SETTINGS = { autoApply: [RULE], autoApplyPerJob: 2, autoApplyPerDay: 3 }

const DAY = 86_400_000

type Op =
  | {
      readonly _tag: "Review"
      readonly job: Job
      readonly file: (typeof FILES)[number]
      readonly lines: number
      readonly isCritical: boolean
    }
  | { readonly _tag: "Fail" | "Unlock"; readonly job: Job }
  | { readonly _tag: "Stop" | "Resume" | "Restart" }
  | { readonly _tag: "Hours"; readonly hours: number }
  | { readonly _tag: "Edit" | "Person" | "Rollback"; readonly which: number }

const job = FastCheck.constantFrom(...JOBS)

const op: FastCheck.Arbitrary<Op> = FastCheck.oneof(
  {
    weight: 6,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Review" as const),
      job,
      file: FastCheck.constantFrom(...FILES),
      lines: FastCheck.constantFrom(1, 1, 2, 3),
      isCritical: FastCheck.integer({ min: 0, max: 5 }).map((n) => n === 0)
    })
  },
  { weight: 3, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Fail" as const), job }) },
  { weight: 2, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Unlock" as const), job }) },
  {
    weight: 2,
    arbitrary: FastCheck.constantFrom<Op>({ _tag: "Stop" }, { _tag: "Resume" }, { _tag: "Resume" }, { _tag: "Restart" })
  },
  {
    weight: 2,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Hours" as const),
      hours: FastCheck.constantFrom(1, 5, 25)
    })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constantFrom("Edit" as const, "Person" as const, "Rollback" as const),
      which: FastCheck.nat(5)
    })
  }
)

interface Modelled {
  readonly id: string
  readonly job: Job
  readonly file: string
  readonly before: string
  readonly after: string
  readonly suits: boolean
  state: SuggestionState
  byRule: boolean
  /** Whether rules leave it to a person as long as this process lives. */
  isLeft: boolean
}

/** Of ten lines, so that three are no big deletion. */
const contentOf = (first: ReadonlyArray<string>): string =>
  Array.from({ length: 10 }, (_, line) => `${first[line] ?? `line ${line}`}\n`).join("")

class Model {
  readonly contents = new Map<string, string>(
    JOBS.flatMap((job) => FILES.map((file) => [`${job}/${file}`, contentOf([])] as const))
  )
  readonly locked = new Set<Job>()
  readonly applied: Array<{ readonly job: Job; readonly at: number }> = []
  isStopped = false
  /** The oldest first. */
  readonly all: Array<Modelled> = []

  content(one: Modelled): string {
    return this.contents.get(one.file) ?? ""
  }

  propose(proposed: Omit<Modelled, "state" | "byRule" | "isLeft">): void {
    for (const one of this.all) {
      if (one.file === proposed.file && ["pending", "approved"].includes(one.state)) one.state = "superseded"
    }
    this.all.push({ ...proposed, state: "pending", byRule: false, isLeft: false })
  }

  /** A rule looks at all that there is. */
  look(now: number): void {
    if (this.isStopped) return
    for (const one of this.all.toReversed()) {
      if (one.state === "relapsed" && one.byRule && this.locked.has(one.job)) this.rollBack(one)
    }
    for (const one of this.all) {
      if (one.state !== "pending" || !one.suits || one.isLeft || this.locked.has(one.job)) continue
      const recent = this.applied.filter(({ at }) => at > now - DAY)
      if (recent.length >= 3 || recent.filter(({ job }) => job === one.job).length >= 2) continue
      if (this.content(one) !== one.before) one.isLeft = true
      else {
        this.applied.push({ job: one.job, at: now })
        this.apply(one, true)
      }
    }
  }

  apply(one: Modelled, byRule: boolean): void {
    one.state = "applied"
    one.byRule = byRule
    this.contents.set(one.file, one.after)
  }

  /** Returns whether it is taken back. */
  rollBack(one: Modelled): boolean {
    if (![one.after, one.before].includes(this.content(one))) return false
    one.state = "rolled_back"
    this.contents.set(one.file, one.before)
    return true
  }

  fail(job: Job): void {
    for (const one of this.all) {
      if (one.job !== job || one.state !== "applied") continue
      one.state = this.content(one) === one.after ? "relapsed" : "inconclusive"
      if (one.state === "relapsed" && one.byRule) this.locked.add(job)
    }
  }
}

/** Far more than it takes to read and write a few files. */
const MAX_TURNS = 5000

const live = (ops: ReadonlyArray<Op>) =>
  Effect.gen(function* () {
    const world = yield* makeSuggestionWorld
    const model = new Model()
    for (const job of JOBS) {
      const paths = FILES.map((file) => world.write(`${job}/${file}`, contentOf([])))
      yield* world.registry.add({ id: job, openClaw: true, files: paths.map((path) => ({ path, role: "script" })) })
    }
    const fail = (job: Job) =>
      Effect.gen(function* () {
        const id = yield* world.registry.started(job)
        yield* world.registry.print(job, ERROR)
        yield* world.registry.ended(job, id, { exitCode: 1 })
        return id
      })
    let version = 0
    const causes = new Map<Job, string>()
    for (const job of JOBS) {
      const signature = yield* signatureOfFailure(world.supervisor, job, yield* fail(job), 1)
      causes.set(job, causeOf(signature ?? ""))
    }

    const begin = Effect.gen(function* () {
      const life = yield* world.start
      const scope = yield* Scope.make()
      const suggestions = yield* Scope.extend(world.serve(life, { settings: SETTINGS }), scope)
      return { life, scope, suggestions }
    })
    let current = yield* begin

    const found = Effect.gen(function* () {
      const states = yield* Effect.forEach(model.all, ({ id }) => current.suggestions.get(id))
      return {
        contents: Array.from(model.contents.keys(), (file) => readFileSync(`${world.root}/${file}`, "utf8")),
        states: states.map((one) => Option.getOrThrow(one).state),
        byRule: states.map((one) => Option.getOrThrow(one).approval?.by.door === "rule"),
        locked: Array.from(new Set((yield* current.suggestions.locks).map(({ job }) => job))).sort()
      }
    })

    const expected = (): Effect.Effect.Success<typeof found> => ({
      contents: Array.from(model.contents.values()),
      states: model.all.map(({ state }) => state),
      byRule: model.all.map(({ byRule }) => byRule),
      locked: Array.from(model.locked).sort()
    })

    /** Until all is as the model says, and when nothing more happens. */
    const check = (op: string, quiet = 3) =>
      Effect.gen(function* () {
        for (let turn = 0; turn < MAX_TURNS; turn++) {
          if (JSON.stringify(yield* found) === JSON.stringify(expected())) break
          yield* macrotask
        }
        yield* Effect.repeatN(Effect.zipRight(macrotask, settle), quiet)
        assert.deepStrictEqual(yield* found, expected(), op)
      })

    const decide = (what: "Edit" | "Rollback" | "Person", one: Modelled) =>
      Effect.gen(function* () {
        const { suggestions } = current
        if (what === "Edit") {
          const content = contentOf([`edited ${++version}`])
          writeFileSync(`${world.root}/${one.file}`, content)
          model.contents.set(one.file, content)
        } else if (what === "Rollback") {
          const mayBe = ["applied", "relapsed", "inconclusive"].includes(one.state)
          const isDone = yield* Effect.isSuccess(suggestions.rollback(one.id, anna))
          assert.strictEqual(isDone, mayBe && model.rollBack(one))
        } else if (one.state === "pending" && model.content(one) === one.before) {
          yield* approve(suggestions, one.id)
          if (model.isStopped) return void (yield* suggestions.withdraw(one.id, anna))
          yield* suggestions.apply(one.id, anna)
          model.apply(one, false)
        }
      })

    const doOp = (op: Op) =>
      Effect.gen(function* () {
        const { suggestions } = current
        if ("which" in op) {
          const one = model.all[op.which]
          if (one !== undefined) yield* decide(op._tag, one)
        } else if (op._tag === "Review") {
          const { file, isCritical, job, lines } = op
          const path = `${world.root}/${job}/${file}`
          const before = model.contents.get(`${job}/${file}`) ?? ""
          version++
          const after = contentOf(Array.from({ length: lines }, () => `version ${version}`))
          const one = forFile(path, after, { severity: isCritical ? "critical" : "low" })
          const [id = ""] = yield* world.reviewOf(current.life, job, [one], `${causes.get(job)}.${version}`)
          const changed = before.split("\n").filter((line, index) => line !== after.split("\n")[index]).length
          const isFile = file === "one.sh" || job === "b"
          const suits = isFile && !isCritical && 2 * changed <= 4
          model.propose({ id, job, file: `${job}/${file}`, before, after, suits })
        } else if (op._tag === "Fail") {
          yield* TestClock.adjust("1 second")
          yield* fail(op.job)
          model.fail(op.job)
        } else if (op._tag === "Unlock") {
          const isDone = yield* Effect.isSuccess(suggestions.unlock(op.job, anna))
          assert.strictEqual(isDone, model.locked.delete(op.job))
        } else if (op._tag === "Stop") {
          yield* suggestions.stop(anna)
          model.isStopped = true
        } else if (op._tag === "Resume") {
          yield* suggestions.resume(anna)
          model.isStopped = false
        } else if (op._tag === "Restart") {
          yield* Scope.close(current.scope, Exit.void)
          yield* current.life.stop
          for (const one of model.all) one.isLeft = false
          current = yield* begin
        } else if (op._tag === "Hours") {
          for (let hour = 0; hour < op.hours; hour++) {
            yield* TestClock.adjust(Duration.hours(1))
            model.look(yield* Clock.currentTimeMillis)
            yield* check("an hour", 0)
          }
        }
      })

    for (const op of ops) {
      yield* doOp(op)
      // Only what wakes rules has them look.
      if (["Review", "Fail", "Unlock", "Resume", "Restart", "Hours"].includes(op._tag)) {
        model.look(yield* Clock.currentTimeMillis)
      }
      yield* check(op._tag)
    }
  }).pipe(Effect.scoped, Effect.provide(Logger.remove(Logger.defaultLogger)))

it(
  "whatever happens, rules write what they are for, and nothing else",
  () =>
    FastCheck.assert(
      restingProperty(FastCheck.array(op, { minLength: 8, maxLength: 25, size: "max" }), (ops) =>
        Effect.runPromise(Effect.provide(live(ops), TestContext.TestContext))
      ),
      parameters(RUNS, "suggestions/ruleLives")
    ),
  patienceFor(RUNS)
)
