/**
 * Generated lives of jobs, channels and processes against a model: whatever channels do, each notice arrives, in the order of its job, and none
 * is told twice but with the same id.
 */
import { assert, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import type { Notice } from "effect-healing"
import { type Behaviour, FakeChannel, failing, makeNoticeWorld, runJob } from "../support/noticeWorld.js"
import { parameters, patienceFor, restingProperty, runsOf } from "../support/property.js"

const RUNS = runsOf({ few: 4, many: 150 })

const JOBS = ["digest", "mail"] as const

const ERRORS = ["Error: disk full", "TypeError: x is not a function"] as const

type Op =
  | { readonly _tag: "Fail"; readonly job: (typeof JOBS)[number]; readonly error: (typeof ERRORS)[number] }
  | { readonly _tag: "Good"; readonly job: (typeof JOBS)[number] }
  | { readonly _tag: "Channel"; readonly which: number; readonly behaviour: Behaviour }
  | { readonly _tag: "Pass"; readonly seconds: number }
  | { readonly _tag: "Restart" | "Crash" }

const job = FastCheck.constantFrom(...JOBS)

const behaviour: FastCheck.Arbitrary<Behaviour> = FastCheck.constantFrom<Behaviour>(
  "takes",
  "takes",
  "fails",
  "hangs",
  "dies",
  { retryAfter: 90_000 }
)

const op: FastCheck.Arbitrary<Op> = FastCheck.oneof(
  {
    weight: 4,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Fail" as const),
      job,
      error: FastCheck.constantFrom(...ERRORS)
    })
  },
  { weight: 5, arbitrary: FastCheck.record({ _tag: FastCheck.constant("Good" as const), job }) },
  {
    weight: 3,
    arbitrary: FastCheck.record({ _tag: FastCheck.constant("Channel" as const), which: FastCheck.nat(1), behaviour })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Pass" as const),
      seconds: FastCheck.constantFrom(1, 20, 60, 700, 4000)
    })
  },
  { weight: 1, arbitrary: FastCheck.constantFrom<Op>({ _tag: "Restart" }, { _tag: "Crash" }) }
)

/** What is to be told of one job. */
class Model {
  readonly told: Array<string> = []
  readonly #reviewed = new Set<string>()
  readonly #news = new Set<string>()
  #good: number | undefined

  fail(error: string): void {
    this.#good = this.#good === undefined && this.#news.has(`JobFailing ${error}`) ? undefined : 0
    this.#tell("JobFailing", error)
    if (this.#reviewed.has(error)) return
    this.#reviewed.add(error)
    this.#tell("ReviewCompleted", error)
  }

  good(): void {
    if (this.#good === undefined) return
    this.#good++
    if (this.#good < 3) return
    this.told.push("JobRecovered")
    this.#good = undefined
    this.#news.clear()
  }

  #tell(kind: string, error: string): void {
    if (this.#news.has(`${kind} ${error}`)) return
    this.#news.add(`${kind} ${error}`)
    this.told.push(kind)
  }
}

const unique = (notices: ReadonlyArray<Notice>): ReadonlyArray<Notice> =>
  notices.filter(({ id }, index) => notices.findIndex((one) => one.id === id) === index)

const live = (ops: ReadonlyArray<Op>) =>
  Effect.gen(function* () {
    const channels = [new FakeChannel("slack"), new FakeChannel("mail")]
    const world = yield* makeNoticeWorld(channels, { notify: { maxPerHour: 1000, retryFor: "365 days" } })
    const models = new Map(JOBS.map((name) => [name, new Model()]))
    const begin = Effect.tap(world.start, ({ registry }) => Effect.forEach(JOBS, (id) => registry.add({ id })))
    let life = yield* begin
    for (const one of ops) {
      if (one._tag === "Fail") {
        yield* runJob(life, one.job, failing(one.error))
        models.get(one.job)?.fail(one.error)
      } else if (one._tag === "Good") {
        yield* runJob(life, one.job)
        // Until it is settled that it was a good one.
        yield* world.pass("20 seconds")
        models.get(one.job)?.good()
      } else if (one._tag === "Channel") {
        const channel = channels[one.which]
        if (channel !== undefined) channel.behaviour = one.behaviour
      } else if (one._tag === "Pass") yield* world.pass(`${one.seconds} seconds`)
      else {
        yield* one._tag === "Crash" ? life.crash : life.stop
        life = yield* begin
      }
    }
    for (const channel of channels) channel.behaviour = "takes"
    // One back-off after the other.
    for (let again = 0; again < 40; again++) yield* world.pass("1 hour")
    for (const channel of channels) {
      for (const [name, model] of models) {
        const ofJob = unique(channel.taken.filter(({ job }) => job === name))
        assert.deepStrictEqual(
          ofJob.map(({ kind }) => kind),
          model.told,
          `${name} in ${channel.name}`
        )
      }
      const first = channel.tried.filter(({ id }, index) => channel.tried.findIndex((one) => one.id === id) === index)
      assert.sameMembers(
        first.map(({ id }) => id),
        unique(channel.taken).map(({ id }) => id),
        "what was tried arrives"
      )
    }
    const pending = yield* life.notices.list({ states: ["pending", "failed"] })
    assert.deepStrictEqual(pending, [])
  }).pipe(Effect.scoped)

it.live(
  "each notice arrives in each channel, in the order of its job",
  () =>
    Effect.promise(() =>
      FastCheck.assert(
        restingProperty(FastCheck.array(op, { maxLength: 40 }), (ops) => Effect.runPromise(live(ops))),
        parameters(RUNS, "test/notify/lives.test.ts")
      )
    ),
  patienceFor(RUNS)
)
