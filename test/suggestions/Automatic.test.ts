/** Rules for automatic application: what they are for, their limits, and what becomes of what they have applied. */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, Option, Scope, TestClock } from "effect"
import { type AutoApplyRule, type JobFile, type Suggestion, type Supervisor, SupervisorError } from "effect-healing"
import * as SuggestionLife from "../../src/request/SuggestionLife.js"
import { causeOf } from "../../src/scheduler/FailureSignature.js"
import { suggestion, terms } from "../../src/store/Change.js"
import { hook } from "../../src/suggestions/Hooks.js"
import { SteppedClock } from "../properties/Stepped.js"
import { signatureOfFailure } from "../support/failureSignature.js"
import { macrotask, settle } from "../support/gateWorld.js"
import { isFull } from "../support/property.js"
import type { Life } from "../support/queueWorld.js"
import { noEvidence } from "../support/schedulerWorld.js"
import { aSuggestion } from "../support/storeSamples.js"
import {
  anna,
  approve,
  filesIn,
  forFile,
  makeSuggestionWorld,
  NEW,
  OLD,
  type ServeOptions,
  type SuggestionService
} from "../support/suggestionWorld.js"

const silent = Effect.provide(Logger.remove(Logger.defaultLogger))

const ERROR = "Error: the disk is full\n"

/** Two lines differ between `OLD` and `NEW`: one that goes, and one that comes. */
const RULE: AutoApplyRule = {
  name: "scripts",
  jobs: ["x"],
  paths: ["*.sh"],
  roles: ["script"],
  maxChangedLines: 2
}

const BY_RULE = { who: "scripts", door: "rule" }

/** Far more than it takes to read and write a few files. */
const MAX_TURNS = 20_000

/** Until that is so, or clearly never will be. */
const until = (is: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    for (let turn = 0; turn < MAX_TURNS && !(yield* is); turn++) yield* macrotask
  })

/** Longer than any of what a rule does takes, without a sign that it is over. */
const quiet = Effect.repeatN(Effect.zipRight(macrotask, settle), 10)

const stateOf = (suggestions: SuggestionService, id: string) =>
  Effect.map(Effect.orDie(suggestions.get(id)), (found) => Option.getOrThrow(found).state)

const becomes = (suggestions: SuggestionService, id: string, wanted: string) =>
  Effect.gen(function* () {
    yield* until(Effect.map(stateOf(suggestions, id), (state) => state === wanted))
    assert.strictEqual(yield* stateOf(suggestions, id), wanted)
  })

type Evidence = (typeof Supervisor.Service)["evidence"]

const SEVERAL: ReadonlyArray<Evidence> = [
  () => Effect.succeed(noEvidence),
  () => new SupervisorError({ detail: "it restarts" }),
  () => Effect.die("a bug"),
  () => Effect.never
]

/** Supervisors that cannot be asked. */
const BROKEN = isFull ? SEVERAL : SEVERAL.slice(2)

/** A supervisor of which the evidence can be broken. */
const withBroken = () => {
  const bad: { evidence: Evidence | undefined; supervisor: NonNullable<ServeOptions["supervisor"]> } = {
    evidence: undefined,
    supervisor: (own) => ({ ...own, evidence: (job, scope) => (bad.evidence ?? own.evidence)(job, scope) })
  }
  return bad
}

/** A job `x` of one file, and a service with these settings. */
const withRules = Effect.fnUntraced(function* (
  settings: ServeOptions["settings"] = { autoApply: [RULE] },
  supervisor: ServeOptions["supervisor"] = (own) => own
) {
  const world = yield* makeSuggestionWorld
  const life = yield* world.start
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const suggestions = yield* Scope.extend(world.serve(life, { settings, supervisor }), scope)
  const path = world.write("job.sh", OLD)
  yield* world.has("x", path)
  const { registry } = world
  /** One that takes a second. */
  const run = (exitCode: number, job = "x") =>
    Effect.gen(function* () {
      const id = yield* registry.started(job)
      yield* TestClock.adjust("1 second")
      yield* registry.print(job, exitCode === 0 ? "fine\n" : ERROR)
      yield* registry.ended(job, id, { exitCode })
      yield* settle
      return id
    }).pipe(Effect.orDie)
  let reviews = 0
  /** A review of the job after it has failed proposes this; answers with its id. */
  const failAndPropose = (in_ = life, proposed?: Suggestion, job = "x") =>
    Effect.gen(function* () {
      const failed = yield* run(1, job)
      const signature = (yield* signatureOfFailure(world.supervisor, job, failed, 1)) ?? ""
      const all = [proposed ?? forFile(path, NEW)]
      const [id = ""] = yield* world.reviewOf(in_, job, all, `${causeOf(signature)}.${reviews++}`)
      return id
    })
  /** A review proposes this, and a run of the job is on before a rule looks at it. */
  const proposeBeside = (in_: Life, service: SuggestionService, file: string) =>
    Effect.gen(function* () {
      yield* service.stop(anna)
      const id = yield* world.propose(in_, "x", file, NEW)
      yield* in_.openClaw.started("x")
      yield* service.resume(anna)
      return id
    }).pipe(Effect.orDie)
  /** Another process, with these settings. */
  const restart = (settings: ServeOptions["settings"] = { autoApply: [RULE] }) =>
    Effect.gen(function* () {
      yield* Scope.close(scope, Exit.void)
      yield* life.stop
      const next = yield* world.start
      return { life: next, suggestions: yield* world.serve(next, { settings }) }
    })
  return { ...world, failAndPropose, life, path, proposeBeside, restart, run, scope, suggestions }
})

describe("a rule", () => {
  it.scoped("applies what it is for, and it stands in the audit as by a person", () =>
    Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withRules()
      const id = yield* propose(life, "x", path, NEW)
      yield* becomes(suggestions, id, "applied")
      assert.strictEqual(readFileSync(path, "utf8"), NEW)
      const steps = yield* suggestions.steps(id)
      yield* suggestions.rollback(id, anna)
      const other = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, other)
      yield* suggestions.apply(other, anna)
      const byPerson = yield* suggestions.steps(other)
      assert.deepStrictEqual(
        steps.map(({ from, to }) => [from, to]),
        byPerson.map(({ from, to }) => [from, to])
      )
      assert.deepStrictEqual(
        steps.slice(1).map(({ by }) => by),
        [BY_RULE, BY_RULE, BY_RULE]
      )
      const [approval, ofPerson] = [steps[1]?.approval, byPerson[1]?.approval]
      assert(approval && ofPerson)
      const { at, by, seal, ...approved } = approval
      assert.deepStrictEqual(by, BY_RULE)
      assert.deepInclude(ofPerson, approved)
    })
  )

  it.scoped("is off by default", () =>
    Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withRules({})
      const id = yield* propose(life, "x", path, NEW)
      yield* quiet
      yield* TestClock.adjust("1 day")
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, id), "pending")
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
    })
  )

  it.scoped("is for nothing but what it names, and what it is not for waits for a person", () =>
    Effect.gen(function* () {
      const others: Readonly<Record<string, readonly [Partial<AutoApplyRule>, Partial<Suggestion>?]>> = {
        "another job": [{ jobs: ["y", "!another job", "ANOTHER JOB", "another"] }],
        "another path": [{ paths: ["other/**", "!*.sh", "*.SH", "*/*.sh", "../jobs/*.sh"] }],
        "another role": [{ roles: ["prompt", "config"] }],
        "more lines": [{ maxChangedLines: 1 }],
        "another category": [{ categories: ["security"] }],
        "another severity": [{ severities: ["critical"] }],
        "a big deletion": [{ maxChangedLines: 100 }, { proposedContent: "one\n" }],
        "a new file": [{ maxChangedLines: 9 }, { creates: true, fileHash: null }],
        advice: [{}, { targetFile: null, proposedContent: null }],
        "a set with advice": [{}, { set: "both" }],
        "no hash": [{}, { fileHash: null }],
        "a claim": [{ maxChangedLines: 1 }, { title: "rule: scripts, max_changed_lines: 9", change: "door: rule" }]
      }
      const autoApply = Object.entries(others).map(([job, [rule]]) => ({ ...RULE, name: job, jobs: [job], ...rule }))
      const { has, life, review, root, suggestions, write } = yield* withRules({
        autoApply,
        autoApplyPerDay: 99
      })
      const proposed: Array<string> = []
      for (const [job, [, how = {}]] of Object.entries(others)) {
        const path = write(`${job}.sh`, OLD)
        yield* has(job, path)
        const one = forFile(path, NEW, how)
        if (how.creates === true) rmSync(path)
        const advice = { ...aSuggestion, targetFile: null, proposedContent: null, set: "both" }
        proposed.push(...(yield* review(life, job, how.set === undefined ? [one] : [one, advice])))
      }
      const before = filesIn(root)
      yield* quiet
      yield* TestClock.adjust("10 minutes")
      yield* quiet
      for (const id of proposed) assert.strictEqual(yield* stateOf(suggestions, id), "pending", id)
      assert.deepStrictEqual(filesIn(root), before)
      // All of them are for what they name.
      const path = write("job.sh", OLD)
      yield* has("advice", path)
      const [id = ""] = yield* review(life, "advice", [forFile(path, NEW)])
      yield* becomes(suggestions, id, "applied")
    }).pipe(silent)
  )

  it.scoped("looks at the file itself, whatever links lead to it, and at each role that it has", () =>
    Effect.gen(function* () {
      const { has, life, propose, registry, suggestions, write, root } = yield* withRules({
        autoApply: [{ ...RULE, paths: [`prompts/**`], jobs: ["*"] }],
        autoApplyPerDay: 9
      })
      const script = write("scripts/job.sh", OLD)
      const link = join(write("prompts/a.md", OLD), "..", "job.md")
      symlinkSync(script, link)
      yield* has("linked", link)
      const linked = yield* propose(life, "linked", link, NEW)
      const prompt = join(root, "prompts/a.md")
      const files: ReadonlyArray<JobFile> = [
        { path: prompt, role: "script" },
        { path: prompt, role: "prompt" }
      ]
      yield* registry.add({ id: "both", files })
      const both = yield* propose(life, "both", prompt, NEW)
      yield* quiet
      assert.deepStrictEqual(
        [yield* stateOf(suggestions, linked), yield* stateOf(suggestions, both)],
        ["pending", "pending"]
      )
      yield* registry.add({ id: "one", files: files.slice(0, 1) })
      yield* becomes(suggestions, yield* propose(life, "one", prompt, NEW), "applied")
    }).pipe(silent)
  )

  it.scoped("looks at each role of a file, by whatever path it has that", () =>
    Effect.gen(function* () {
      const { life, path, propose, registry, root, suggestions } = yield* withRules({
        autoApply: [{ ...RULE, paths: ["**"], roles: ["prompt"] }]
      })
      const link = join(root, "prompt.md")
      symlinkSync(path, link)
      yield* registry.add({
        id: "x",
        files: [
          { path, role: "script" },
          { path: link, role: "prompt" }
        ]
      })
      const id = yield* propose(life, "x", link, NEW)
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, id), "pending")
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
    }).pipe(silent)
  )

  it.scoped("is never for a suggestion from before they could be applied", () =>
    Effect.gen(function* () {
      const { life, path, propose, restart, suggestions } = yield* withRules({})
      const id = yield* propose(life, "x", path, NEW)
      const found = Option.getOrThrow(yield* suggestions.get(id))
      yield* life.store.commit([suggestion(null, { ...found, position: 2, id: id.replace(/1$/, "2"), isOld: true })])
      yield* suggestions.reject(id, anna)
      const again = yield* restart()
      yield* quiet
      assert.strictEqual(yield* stateOf(again.suggestions, id.replace(/1$/, "2")), "pending")
    }).pipe(silent)
  )

  it.scoped("applies those that only work together, if all of them fit, and counts them as one", () =>
    Effect.gen(function* () {
      for (const maxChangedLines of [3, 4]) {
        const { life, path, registry, review, suggestions, write } = yield* withRules({
          autoApply: [{ ...RULE, maxChangedLines }],
          autoApplyPerJob: 2
        })
        const other = write("other.sh", OLD)
        const third = write("third.sh", OLD)
        yield* registry.add({ id: "x", files: [path, other, third].map((path) => ({ path, role: "script" })) })
        const set = [path, other].map((file) => forFile(file, NEW, { set: "both" }))
        const [id = "", second = "", alone = ""] = yield* review(life, "x", [...set, forFile(third, NEW)])
        yield* becomes(suggestions, alone, "applied")
        yield* quiet
        const wanted = maxChangedLines === 4 ? "applied" : "pending"
        assert.deepStrictEqual([yield* stateOf(suggestions, id), yield* stateOf(suggestions, second)], [wanted, wanted])
      }
    }).pipe(silent)
  )

  it.scoped("waits for a supervisor that does not name the file, fails, has a bug, or does not answer", () =>
    Effect.gen(function* () {
      for (const evidence of BROKEN) {
        const bad = withBroken()
        const { life, path, propose, suggestions } = yield* withRules(undefined, bad.supervisor)
        bad.evidence = evidence
        const id = yield* propose(life, "x", path, NEW)
        yield* quiet
        assert.strictEqual(yield* stateOf(suggestions, id), "pending")
        bad.evidence = undefined
        yield* TestClock.adjust("1 minute")
        yield* quiet
        yield* TestClock.adjust("10 minutes")
        yield* becomes(suggestions, id, "applied")
      }
    }).pipe(silent)
  )

  it.scoped("whose path does not begin in a root is refused when the layer is built", () =>
    Effect.gen(function* () {
      const world = yield* makeSuggestionWorld
      const life = yield* world.start
      for (const glob of ["/**", "/srv/[x]/*", "/etc/*", `${world.folder}/**`, `${world.root}-other/**`]) {
        const serving = world.serve(life, { settings: { autoApply: [{ ...RULE, paths: ["*.md", glob] }] } })
        const error = yield* Effect.flip(Effect.scoped(serving))
        assert(error._tag === "HealingConfigError")
        assert.deepInclude(error.issues[0], {
          key: "suggestions.autoApply",
          found: `the rule "scripts" with the path ${JSON.stringify(glob)}`,
          expected: "a path that begins in one of suggestions.allowedRoots"
        })
      }
      const suggestions = yield* world.serve(life, {
        settings: { autoApply: [{ ...RULE, paths: [`${world.root}/*.sh`] }] }
      })
      const path = world.write("job.sh", OLD)
      yield* world.has("x", path)
      yield* becomes(suggestions, yield* world.propose(life, "x", path, NEW), "applied")
    }).pipe(silent)
  )
})

describe("what a rule applies", () => {
  it.scoped("is limited for each job and in all, over restarts, for 24 hours", () =>
    Effect.gen(function* () {
      const settings = { autoApply: [{ ...RULE, jobs: ["*"] }], retention: "1 minute" } as const
      const { has, life, propose, restart, root, suggestions, write } = yield* withRules(settings)
      const paths = ["a", "b", "c", "d"].map((job) => [job, write(`${job}.sh`, OLD)] as const)
      const ids: Array<string> = []
      yield* suggestions.stop(anna)
      for (const [job, path] of paths) {
        yield* has(job, path)
        ids.push(yield* propose(life, job, path, NEW))
      }
      yield* suggestions.resume(anna)
      // First come, first served.
      for (const id of ids.slice(0, 3)) yield* becomes(suggestions, id, "applied")
      const [[, first = ""] = []] = paths
      const second = yield* propose(life, "a", first, `${NEW}five\n`)
      yield* quiet
      const states = (service: SuggestionService) =>
        Effect.all([ids[3] ?? "", second].map((id) => stateOf(service, id)))
      assert.deepStrictEqual(yield* states(suggestions), ["pending", "pending"])
      const again = yield* restart(settings)
      /** What was applied is longer ago by so many hours. */
      const pass = (hours: number) =>
        Effect.zipRight(again.life.store.commit([terms(-3_600_000 * hours)]), TestClock.adjust("10 minutes"))
      yield* pass(23)
      yield* quiet
      assert.deepStrictEqual(yield* states(again.suggestions), ["pending", "pending"])
      yield* pass(1)
      yield* becomes(again.suggestions, second, "applied")
      yield* becomes(again.suggestions, ids[3] ?? "", "applied")
      assert.strictEqual(filesIn(root)["a.sh"], `${NEW}five\n`)
    }).pipe(silent)
  )

  it.scoped.runIf(isFull)("is limited from when it is written, however long it has waited", () =>
    Effect.gen(function* () {
      const { has, life, path, propose, proposeBeside, root, suggestions, write } = yield* withRules({
        autoApply: [RULE],
        approvalExpiresAfter: "30 days"
      })
      yield* has("x", path, write("other.sh", OLD))
      const id = yield* proposeBeside(life, suggestions, path)
      yield* becomes(suggestions, id, "applying")
      yield* suggestions.stop(anna)
      yield* becomes(suggestions, id, "approved")
      yield* life.openClaw.finished("x")
      yield* TestClock.adjust("25 hours")
      const second = yield* propose(life, "x", join(root, "other.sh"), NEW)
      yield* suggestions.resume(anna)
      yield* becomes(suggestions, id, "applied")
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, second), "pending")
      yield* TestClock.adjust("23 hours")
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, second), "pending")
      yield* TestClock.adjust("70 minutes")
      yield* becomes(suggestions, second, "applied")
    }).pipe(silent)
  )

  it.scoped("is nothing that a person has decided on before", () =>
    Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withRules()
      yield* suggestions.stop(anna)
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      yield* suggestions.withdraw(id, anna)
      yield* suggestions.resume(anna)
      yield* quiet
      // It is warned of, which is no decision.
      yield* life.store.commit([terms(-13.5 * 24 * 3_600_000)])
      yield* TestClock.adjust("6 hours")
      yield* quiet
      assert.isNotNull(Option.getOrThrow(yield* suggestions.get(id)).warnedAt)
      assert.strictEqual(yield* stateOf(suggestions, id), "pending")
    }).pipe(silent)
  )

  it.scoped("is limited for as long as before when the clock is set", () => {
    const clock = new SteppedClock(0)
    // What the shared world asks for, when it lets everything settle.
    Object.assign(clock, { adjust: () => Effect.repeatN(Effect.yieldNow(), 100) })
    const hour = 3_600_000
    const pass = (millis: number) =>
      Effect.zipRight(
        Effect.sync(() => clock.jump(clock.monotonic + millis)),
        settle
      )
    return Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withRules()
      yield* becomes(suggestions, yield* propose(life, "x", path, NEW), "applied")
      yield* pass(hour)
      clock.set(clock.monotonic + 30 * 24 * hour)
      const id = yield* propose(life, "x", path, `${NEW}five\n`)
      yield* quiet
      for (let passed = 1; passed < 23; passed++) yield* pass(hour)
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, id), "pending")
      yield* pass(2 * hour)
      yield* becomes(suggestions, id, "applied")
    }).pipe(silent, Effect.withClock(clock))
  })

  it.scoped("is nothing while applications are stopped, and goes on afterwards", () =>
    Effect.gen(function* () {
      const { folder, life, path, propose, restart, suggestions } = yield* withRules()
      yield* suggestions.stop(anna)
      const id = yield* propose(life, "x", path, NEW)
      yield* quiet
      yield* TestClock.adjust("1 hour")
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, id), "pending")
      const stopFile = join(folder, "stop")
      writeFileSync(stopFile, "")
      const again = yield* restart({ autoApply: [RULE], stopFile })
      yield* again.suggestions.resume(anna)
      yield* quiet
      assert.strictEqual(yield* stateOf(again.suggestions, id), "pending")
      rmSync(stopFile)
      yield* TestClock.adjust("10 minutes")
      yield* becomes(again.suggestions, id, "applied")
    }).pipe(silent)
  )

  it.scoped("goes on at once when somebody resumes", () =>
    Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withRules()
      yield* suggestions.stop(anna)
      const id = yield* propose(life, "x", path, NEW)
      yield* quiet
      yield* suggestions.resume(anna)
      yield* becomes(suggestions, id, "applied")
    }).pipe(silent)
  )

  it.scoped("waits for the end of a run of its job, and is left to a person if that does not come", () =>
    Effect.gen(function* () {
      const { life, path, proposeBeside, restart, suggestions } = yield* withRules({
        autoApply: [RULE],
        autoApplyPerJob: 2,
        applyWait: "5 minutes"
      })
      const id = yield* proposeBeside(life, suggestions, path)
      yield* becomes(suggestions, id, "applying")
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
      yield* TestClock.adjust("5 minutes")
      yield* becomes(suggestions, id, "approved")
      yield* TestClock.adjust("1 hour")
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, id), "approved")
      yield* life.openClaw.finished("x")
      const again = yield* restart()
      yield* becomes(again.suggestions, id, "applied")
    }).pipe(silent)
  )
})

describe("what a rule has approved", () => {
  /** One that waits for the end of a run of its job. */
  const withApproved = Effect.gen(function* () {
    const world = yield* withRules()
    const id = yield* world.proposeBeside(world.life, world.suggestions, world.path)
    yield* becomes(world.suggestions, id, "applying")
    return { ...world, id }
  })

  it.scoped("is applied after a restart, if it was not before", () =>
    Effect.gen(function* () {
      const { id, path, restart } = yield* withApproved
      const { suggestions } = yield* restart()
      yield* becomes(suggestions, id, "applied")
      assert.strictEqual(readFileSync(path, "utf8"), NEW)
    }).pipe(silent)
  )

  it.scoped("is decided on anew if the rule is not there any more, or not for it", () =>
    Effect.gen(function* () {
      const others = [
        { ...RULE, name: "others" },
        { ...RULE, jobs: ["y"] },
        { ...RULE, severities: ["critical"] as const }
      ]
      for (const autoApply of [[], ...others.map((rule) => [rule])]) {
        const { id, path, restart } = yield* withApproved
        const { suggestions } = yield* restart({ autoApply, autoApplyPerJob: 9 })
        yield* becomes(suggestions, id, "pending")
        const last = (yield* suggestions.steps(id)).at(-1)
        assert.deepInclude(last, { by: BY_RULE, reason: "the rule scripts is not for it any more" })
        yield* quiet
        assert.strictEqual(readFileSync(path, "utf8"), OLD)
      }
    }).pipe(silent)
  )

  it.scoped("is not applied if the rule is not for it any more at its turn", () =>
    Effect.gen(function* () {
      const { id, life, path, registry, suggestions } = yield* withApproved
      yield* registry.add({ id: "x", openClaw: true, files: [{ path, role: "config" }] })
      yield* life.openClaw.finished("x")
      yield* becomes(suggestions, id, "approved")
      assert.include((yield* suggestions.steps(id)).at(-1)?.reason, "rule: it is not for a config")
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
      // A person may want it all the same.
      yield* suggestions.apply(id, anna)
      assert.strictEqual(readFileSync(path, "utf8"), NEW)
    }).pipe(silent)
  )

  it.scoped("and a person has withdrawn, is left to people", () =>
    Effect.gen(function* () {
      const { life, path, proposeBeside, restart, suggestions } = yield* withRules({
        autoApply: [RULE],
        applyWait: 0
      })
      const id = yield* proposeBeside(life, suggestions, path)
      yield* becomes(suggestions, id, "approved")
      yield* quiet
      yield* suggestions.withdraw(id, anna)
      yield* life.openClaw.finished("x")
      const again = yield* restart({ autoApply: [RULE], autoApplyPerJob: 9 })
      yield* quiet
      yield* TestClock.adjust("10 minutes")
      yield* quiet
      assert.strictEqual(yield* stateOf(again.suggestions, id), "pending")
    }).pipe(silent)
  )
})

describe("what a rule has applied and has relapsed", () => {
  const MANY = { autoApply: [RULE], autoApplyPerJob: 9, autoApplyPerDay: 9 }

  it.scoped("is taken back at once, and its job gets nothing more until a person says so", () =>
    Effect.gen(function* () {
      const { failAndPropose, life, path, restart, run, suggestions } = yield* withRules(MANY)
      const id = yield* failAndPropose()
      yield* becomes(suggestions, id, "applied")
      assert.deepStrictEqual(yield* suggestions.locks, [])
      yield* run(1)
      yield* becomes(suggestions, id, "rolled_back")
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
      const steps = (yield* suggestions.steps(id)).slice(-2)
      assert.deepStrictEqual(
        steps.map(({ by, to }) => [to, by.door, by.who]),
        [
          ["relapsed", "watch", "effect-healing"],
          ["rolled_back", "rule", "scripts"]
        ]
      )
      const [lock] = yield* suggestions.locks
      assert.deepInclude(lock, { job: "x", suggestion: id, rule: "scripts", at: Number(steps[0]?.at) })

      const next = yield* failAndPropose(life, forFile(path, `${OLD}five\n`))
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, next), "pending")
      const again = yield* restart(MANY)
      yield* TestClock.adjust("10 minutes")
      yield* quiet
      assert.strictEqual(yield* stateOf(again.suggestions, next), "pending")
      assert.lengthOf(yield* again.suggestions.locks, 1)

      const error = yield* Effect.flip(again.suggestions.unlock("y", anna))
      assert.include(error.message, 'expected the name of a job that is locked: locked are "x"')
      yield* again.suggestions.unlock("x", { ...anna, reason: "the disk is larger" })
      yield* becomes(again.suggestions, next, "applied")
      assert.deepStrictEqual(yield* again.suggestions.locks, [])
      const last = (yield* again.suggestions.steps(id)).at(-1)
      assert.deepInclude(last, { from: "rolled_back", to: "rolled_back", reason: "the disk is larger" })
      assert.deepStrictEqual(last?.by, { who: "anna", door: "code" })
      assert.include((yield* Effect.flip(again.suggestions.unlock("x", anna))).message, "no job is")
    }).pipe(silent)
  )

  it.scoped("is taken back after a crash, since its job is locked with the same commit", () =>
    Effect.gen(function* () {
      const { failAndPropose, life, path, run, scope, serve, start, suggestions } = yield* withRules(MANY)
      const id = yield* failAndPropose()
      yield* becomes(suggestions, id, "applied")
      // Rules do nothing any more in this process.
      yield* suggestions.stop(anna)
      yield* run(1)
      yield* becomes(suggestions, id, "relapsed")
      yield* quiet
      assert.strictEqual(readFileSync(path, "utf8"), NEW)
      assert.lengthOf(yield* suggestions.locks, 1)
      yield* Scope.close(scope, Exit.void)
      yield* life.crash
      const again = yield* serve(yield* start, { settings: {} })
      yield* quiet
      assert.strictEqual(yield* stateOf(again, id), "relapsed")
      yield* again.resume(anna)
      yield* becomes(again, id, "rolled_back")
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
    }).pipe(silent)
  )

  it.scoped("is not taken back when somebody stops that at the last moment", () =>
    Effect.gen(function* () {
      const world = yield* makeSuggestionWorld
      const life = yield* world.start
      let isStopping = false
      const stop: { now: Effect.Effect<unknown> } = { now: Effect.void }
      const serving = world.serve(life, { settings: MANY })
      const suggestions = yield* Effect.locally(serving, hook, (step) =>
        isStopping && step === "rename" ? Effect.asVoid(stop.now) : Effect.void
      )
      stop.now = Effect.orDie(suggestions.stop(anna))
      const path = world.write("job.sh", OLD)
      yield* world.has("x", path)
      yield* world.registry.print("x", ERROR)
      const run = yield* world.registry.started("x")
      yield* world.registry.ended("x", run, { exitCode: 1 })
      const signature = yield* signatureOfFailure(world.supervisor, "x", run, 1)
      const [id = ""] = yield* world.reviewOf(life, "x", [forFile(path, NEW)], signature)
      yield* becomes(suggestions, id, "applied")
      isStopping = true
      yield* TestClock.adjust("1 second")
      const again = yield* world.registry.started("x")
      yield* world.registry.print("x", ERROR)
      yield* world.registry.ended("x", again, { exitCode: 1 })
      yield* becomes(suggestions, id, "relapsed")
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, id), "relapsed")
      assert.strictEqual(readFileSync(path, "utf8"), NEW)
      // A person may do so all the same.
      isStopping = false
      yield* suggestions.rollback(id, anna)
      assert.strictEqual(readFileSync(path, "utf8"), OLD)
    }).pipe(silent)
  )

  it.scoped("is left as it is if somebody has edited the file, and its job stays locked", () =>
    Effect.gen(function* () {
      const { failAndPropose, path, run, suggestions } = yield* withRules(MANY)
      const id = yield* failAndPropose()
      yield* becomes(suggestions, id, "applied")
      yield* suggestions.stop(anna)
      yield* run(1)
      yield* becomes(suggestions, id, "relapsed")
      writeFileSync(path, `${NEW}six\n`)
      yield* suggestions.resume(anna)
      yield* quiet
      assert.strictEqual(yield* stateOf(suggestions, id), "relapsed")
      assert.strictEqual(readFileSync(path, "utf8"), `${NEW}six\n`)
      assert.lengthOf(yield* suggestions.locks, 1)
    }).pipe(silent)
  )

  it.scoped("is only what a rule has applied: what a person has applied is theirs", () =>
    Effect.gen(function* () {
      const { failAndPropose, life, path, run, suggestions } = yield* withRules({
        ...MANY,
        autoApply: [{ ...RULE, maxChangedLines: 1 }]
      })
      const id = yield* failAndPropose()
      yield* approve(suggestions, id)
      yield* suggestions.apply(id, anna)
      yield* TestClock.adjust("1 second")
      yield* run(1)
      yield* becomes(suggestions, id, "relapsed")
      yield* quiet
      assert.strictEqual(readFileSync(path, "utf8"), NEW)
      assert.deepStrictEqual(yield* suggestions.locks, [])
      const next = yield* failAndPropose(life, forFile(path, `${NEW}five\n`))
      yield* becomes(suggestions, next, "applied")
    }).pipe(silent)
  )

  it.scoped("is theirs if a person has applied it, or done it by hand, whoever has approved it", () =>
    Effect.gen(function* () {
      for (const byHand of [false, true]) {
        const world = yield* withRules({ ...MANY, applyWait: 0 })
        const { life, path, reviewOf, run, suggestions, supervisor } = world
        const signature = yield* signatureOfFailure(supervisor, "x", yield* run(1), 1)
        yield* suggestions.stop(anna)
        const [id = ""] = yield* reviewOf(life, "x", [forFile(path, NEW)], signature)
        yield* life.openClaw.started("x")
        yield* suggestions.resume(anna)
        yield* becomes(suggestions, id, "approved")
        yield* quiet
        yield* life.openClaw.finished("x")
        if (byHand) writeFileSync(path, NEW)
        yield* byHand ? suggestions.preview(id) : suggestions.apply(id, anna)
        yield* TestClock.adjust("1 second")
        yield* run(1)
        yield* becomes(suggestions, id, "relapsed")
        yield* quiet
        assert.strictEqual(readFileSync(path, "utf8"), NEW)
        assert.deepStrictEqual(yield* suggestions.locks, [])
      }
    }).pipe(silent)
  )

  it.scoped("is taken back when its supervisor answers again", () =>
    Effect.gen(function* () {
      for (const evidence of BROKEN) {
        const bad = withBroken()
        const { failAndPropose, path, run, suggestions } = yield* withRules(MANY, bad.supervisor)
        const id = yield* failAndPropose()
        yield* becomes(suggestions, id, "applied")
        yield* suggestions.stop(anna)
        yield* run(1)
        yield* becomes(suggestions, id, "relapsed")
        bad.evidence = evidence
        yield* suggestions.resume(anna)
        yield* quiet
        bad.evidence = undefined
        yield* TestClock.adjust("1 minute")
        yield* quiet
        yield* TestClock.adjust("10 minutes")
        yield* becomes(suggestions, id, "rolled_back")
        assert.strictEqual(readFileSync(path, "utf8"), OLD)
      }
    }).pipe(silent)
  )

  it.scoped("is taken back whatever rows of others cannot be read", () =>
    Effect.gen(function* () {
      const { failAndPropose, has, life, review, run, sql, suggestions } = yield* withRules(MANY)
      const id = yield* failAndPropose()
      yield* becomes(suggestions, id, "applied")
      yield* has("y")
      yield* review(life, "y", [aSuggestion])
      yield* sql`UPDATE healing_suggestions SET suggestion = '{' WHERE job = 'y'`
      yield* sql`INSERT INTO healing_automatic_changes SELECT request, position, position, job, 'scripts', 5, 9999999
        FROM healing_suggestions WHERE job = 'y'`
      yield* sql`INSERT INTO healing_automatic_changes VALUES (999, 1, 1, 'z', '', 5, 5)`
      yield* run(1)
      yield* becomes(suggestions, id, "rolled_back")
    }).pipe(silent)
  )

  it.scoped("locks its job whatever can be read of that, and unlocks it", () =>
    Effect.gen(function* () {
      const { failAndPropose, restart, run, sql, suggestions } = yield* withRules(MANY)
      const id = yield* failAndPropose()
      yield* becomes(suggestions, id, "applied")
      yield* run(1)
      yield* becomes(suggestions, id, "rolled_back")
      yield* sql`UPDATE healing_suggestions SET suggestion = '{' WHERE job = 'x'`
      yield* sql`UPDATE healing_automatic_changes SET rule = ''`
      const again = yield* restart(MANY)
      const next = yield* failAndPropose(again.life)
      yield* quiet
      assert.strictEqual(yield* stateOf(again.suggestions, next), "pending")
      yield* again.suggestions.unlock("x", anna)
      yield* becomes(again.suggestions, next, "applied")
    }).pipe(silent)
  )

  it.scoped("locks its job right away, also for what is about to be written", () =>
    Effect.gen(function* () {
      const world = yield* makeSuggestionWorld
      const life = yield* world.start
      const meanwhile: { now: Effect.Effect<unknown> | undefined } = { now: undefined }
      const serving = world.serve(life, { settings: MANY })
      const suggestions = yield* Effect.locally(serving, hook, (step) => {
        if (step !== "intend" || meanwhile.now === undefined) return Effect.void
        const { now } = meanwhile
        meanwhile.now = undefined
        return Effect.asVoid(now)
      })
      const [path, other] = [world.write("job.sh", OLD), world.write("other.sh", OLD)]
      yield* world.has("x", path, other)
      const run = Effect.gen(function* () {
        const id = yield* world.registry.started("x")
        yield* world.registry.print("x", ERROR)
        yield* world.registry.ended("x", id, { exitCode: 1 })
        return id
      }).pipe(Effect.orDie)
      const signature = yield* signatureOfFailure(world.supervisor, "x", yield* run, 1)
      const [id = ""] = yield* world.reviewOf(life, "x", [forFile(path, NEW)], signature)
      yield* becomes(suggestions, id, "applied")
      yield* TestClock.adjust("1 second")
      meanwhile.now = Effect.zipRight(run, becomes(suggestions, id, "relapsed"))
      const second = yield* world.propose(life, "x", other, NEW)
      yield* becomes(suggestions, id, "rolled_back")
      yield* becomes(suggestions, second, "approved")
      assert.include((yield* suggestions.steps(second)).at(-1)?.reason, "rule: its job is locked")
      assert.deepStrictEqual([readFileSync(path, "utf8"), readFileSync(other, "utf8")], [OLD, OLD])
    }).pipe(silent)
  )

  it.scoped("is only what has failed for the same cause: another failure, and good runs, lock nothing", () =>
    Effect.gen(function* () {
      const { failAndPropose, life, path, registry, run, suggestions } = yield* withRules(MANY)
      const id = yield* failAndPropose()
      yield* becomes(suggestions, id, "applied")
      const other = yield* registry.started("x")
      yield* registry.print("x", "Error: no such table\n")
      yield* registry.ended("x", other, { exitCode: 1 })
      yield* becomes(suggestions, id, "inconclusive")
      const next = yield* failAndPropose(life, forFile(path, `${NEW}five\n`))
      yield* becomes(suggestions, next, "applied")
      for (let good = 0; good < 3; good++) yield* run(0)
      yield* becomes(suggestions, next, "confirmed")
      yield* quiet
      assert.strictEqual(readFileSync(path, "utf8"), `${NEW}five\n`)
      assert.deepStrictEqual(yield* suggestions.locks, [])
    }).pipe(silent)
  )

  it.scoped("takes all of its set back", () =>
    Effect.gen(function* () {
      const { path, registry, reviewOf, life, run, suggestions, supervisor, write } = yield* withRules({
        ...MANY,
        autoApply: [{ ...RULE, maxChangedLines: 4 }]
      })
      const other = write("other.sh", OLD)
      yield* registry.add({ id: "x", files: [path, other].map((path) => ({ path, role: "script" })) })
      const signature = yield* signatureOfFailure(supervisor, "x", yield* run(1), 1)
      const set = [path, other].map((file) => forFile(file, NEW, { set: "both" }))
      const ids = yield* reviewOf(life, "x", set, signature)
      for (const id of ids) yield* becomes(suggestions, id, "applied")
      yield* TestClock.adjust("1 second")
      yield* run(1)
      for (const id of ids) yield* becomes(suggestions, id, "rolled_back")
      assert.deepStrictEqual([readFileSync(path, "utf8"), readFileSync(other, "utf8")], [OLD, OLD])
    }).pipe(silent)
  )

  it.scoped("is back in its row too if the watch says something of it at the same time", () =>
    Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withRules({})
      const id = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, id)
      yield* suggestions.apply(id, anna)
      const judge = Effect.gen(function* () {
        const applied = Option.getOrThrow(yield* suggestions.get(id))
        yield* life.store.commit([suggestion("applied", SuggestionLife.judge(applied, "confirmed", 5, "3 good runs"))])
      })
      yield* Effect.locally(suggestions.rollback(id, anna), hook, (step) =>
        step === "record" ? Effect.orDie(judge) : Effect.void
      )
      assert.strictEqual(yield* stateOf(suggestions, id), "rolled_back")
      assert.deepStrictEqual(yield* life.store.suggestions.unfinished, [])
    }).pipe(silent)
  )
})

describe("nobody comes through a door of effect-healing itself", () => {
  it.scoped.each(["rule", "watch", "clock", "file", "review", "recovery"])("%s", (door) =>
    Effect.gen(function* () {
      const { life, path, propose, suggestions } = yield* withRules({})
      const id = yield* propose(life, "x", path, NEW)
      const { seal } = yield* suggestions.preview(id)
      const claimed = { who: "scripts", door }
      const errors = yield* Effect.all([
        Effect.flip(suggestions.approve(id, { ...claimed, seal: seal ?? "" })),
        Effect.flip(suggestions.reject(id, claimed)),
        Effect.flip(suggestions.stop(claimed))
      ])
      for (const error of errors) {
        assert(error._tag === "HealingInvalid")
        assert.include(error.message, "but none of clock, review, file, watch, recovery, rule")
      }
    })
  )
})

describe("a rehearsal", () => {
  const OTHERS = { ...RULE, name: "others", jobs: ["z"], maxChangedLines: 9 }

  it.scoped("tells what rules would have done, and changes nothing", () =>
    Effect.gen(function* () {
      const { has, life, path, propose, review, root, suggestions, write } = yield* withRules({ autoApplyPerJob: 9 })
      const outcomes = (options: Parameters<typeof suggestions.rehearse>[0]) =>
        Effect.map(suggestions.rehearse(options), (all) =>
          Object.fromEntries(all.map(({ outcome, rule, suggestion, why }) => [suggestion.id, [outcome, rule, why]]))
        )
      const applied = yield* propose(life, "x", path, NEW)
      yield* approve(suggestions, applied)
      yield* suggestions.apply(applied, anna)
      const long = yield* propose(life, "x", path, `${NEW}five\nsix\nseven\n`)
      const [advice = ""] = yield* review(life, "x", [aSuggestion])
      const other = write("other.sh", OLD)
      yield* has("y", other)
      const changed = yield* propose(life, "y", other, NEW)
      writeFileSync(other, `${OLD}somebody's\n`)
      const gone = write("gone.sh", OLD)
      yield* has("z", gone)
      const short = yield* propose(life, "z", gone, "one\n")
      const before = [filesIn(root), yield* suggestions.list({})]
      const rules = [RULE, OTHERS, { ...RULE, name: "y", jobs: ["y"] }]
      const found = yield* outcomes({ rules })
      assert.deepStrictEqual(Object.keys(found), [applied, long, advice, changed, short])
      assert.deepStrictEqual(found[applied], ["applied", "scripts", []])
      assert.deepStrictEqual(found[long], ["left", null, ["scripts: 3 lines change, and it is for at most 2"]])
      assert.deepInclude(found[advice]?.[2], "scripts: it changes no file")
      assert.deepStrictEqual(found[changed], ["unknown", null, ["y: it cannot be told how many lines change"]])
      assert.deepStrictEqual(found[short]?.[0], "left")
      assert.include(String(found[short]?.[2]), "deletion: more than half")
      assert.deepStrictEqual([filesIn(root), yield* suggestions.list({})], before)
      // By default it holds the rules of the settings against them, which has none here.
      assert.deepStrictEqual(new Set(Object.values(yield* outcomes({})).map(([outcome]) => outcome)), new Set(["left"]))
      yield* TestClock.adjust("31 days")
      assert.deepStrictEqual(yield* outcomes({ rules }), {})
      assert.lengthOf(Object.keys(yield* outcomes({ rules, since: 0 })), 5)
    }).pipe(silent)
  )

  it.scoped("counts limits and locks as they would have been", () =>
    Effect.gen(function* () {
      const { failAndPropose, life, path, run, suggestions } = yield* withRules({})
      const ids: Array<string> = []
      const decide = (id: string) => Effect.zipRight(approve(suggestions, id), suggestions.apply(id, anna))
      ids.push(yield* failAndPropose())
      yield* decide(ids[0] ?? "")
      // Within a day of it.
      ids.push(yield* failAndPropose(life, forFile(path, `${NEW}five\n`)))
      yield* becomes(suggestions, ids[0] ?? "", "relapsed")
      yield* TestClock.adjust("10 minutes")
      yield* run(0)
      ids.push(yield* failAndPropose(life, forFile(path, `${NEW}six\n`)))
      const all = yield* suggestions.rehearse({ rules: [RULE] })
      assert.deepStrictEqual(
        all.map(({ outcome, suggestion, why }) => [suggestion.id, outcome, ...why]),
        [
          [ids[0], "applied"],
          [ids[1], "left", "its job would have been locked by a relapse"],
          [ids[2], "left", "its job would have been locked by a relapse"]
        ]
      )
    }).pipe(silent)
  )

  it.scoped("says what a bad rule lacks", () =>
    Effect.gen(function* () {
      const { suggestions } = yield* withRules({})
      const bad: ReadonlyArray<readonly [AutoApplyRule, string]> = [
        [{ ...RULE, jobs: [] }, "expected a list of 1 to 100 globs of names of jobs"],
        [{ ...RULE, paths: ["/etc/*"] }, "expected a path that begins in one of suggestions.allowedRoots"]
      ]
      for (const [rule, expected] of bad) {
        const error = yield* Effect.flip(suggestions.rehearse({ rules: [rule] }))
        assert(error._tag === "HealingInvalid")
        assert.include(error.message, expected)
      }
    }).pipe(silent)
  )
})
