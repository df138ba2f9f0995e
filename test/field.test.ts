/**
 * Inputs in the form of public bug reports, with what is right for each. A case stands for its kind: the tests of the modules try others.
 */
import { readFileSync } from "node:fs"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Either, Layer, Option, Schema } from "effect"
import {
  Healing,
  HealingConfig,
  HealingQueue,
  HealingSchedule,
  HealingStore,
  type JobEvent,
  nextOccurrence,
  Reviewer
} from "effect-healing"
import * as ModuleSettings from "../src/module/ModuleSettings.js"
import * as Answer from "../src/openclaw/Answer.js"
import * as Envelope from "../src/openclaw/Envelope.js"
import * as RateLimit from "../src/openclaw/RateLimit.js"
import * as Payload from "../src/pm2/daemon/Payload.js"
import { matcher, roleOf } from "../src/pm2/OpenClawRules.js"
import * as Runs from "../src/pm2/Runs.js"
import { Agenda } from "../src/scheduler/Agenda.js"
import * as FailureSignature from "../src/scheduler/FailureSignature.js"
import { conceal } from "../src/text/Secrets.js"
import { signatureOfLog } from "./support/failureSignature.js"
import { noEvidence } from "./support/schedulerWorld.js"

const casesOf = <A, I>(file: string, schema: Schema.Schema<A, I>): ReadonlyArray<A> =>
  readFileSync(new URL(`field/${file}.jsonl`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => Schema.decodeUnknownSync(Schema.parseJson(schema))(line))

const Case = Schema.Struct({ id: Schema.String, class: Schema.String, note: Schema.String })

describe("signatures", () => {
  const Signatures = Schema.Struct({
    ...Case.fields,
    a: Schema.String,
    b: Schema.String,
    expect: Schema.Literal("same", "different"),
    orUnknown: Schema.optional(Schema.Boolean)
  })
  it.effect.each(casesOf("signatures", Signatures))("$id: $note", ({ a, b, expect, orUnknown }) =>
    Effect.gen(function* () {
      const [one, other] = [yield* signatureOfLog(a), yield* signatureOfLog(b)]
      if (orUnknown === true && one === null && other === null) return
      assert.isNotNull(one)
      assert.isNotNull(other)
      if (expect === "same") assert.strictEqual(one, other)
      else assert.notStrictEqual(one, other)
    })
  )
})

describe("secrets", () => {
  const Secrets = Schema.Struct({
    ...Case.fields,
    text: Schema.String,
    expect: Schema.Literal("gone", "kept"),
    parts: Schema.Array(Schema.String)
  })
  it.each(casesOf("secrets", Secrets))("$id: $note", ({ expect, parts, text }) => {
    const found = conceal(text)
    for (const part of parts) assert.strictEqual(found.includes(part), expect === "kept", found)
  })
})

describe("limits of rates", () => {
  const Limits = Schema.Struct({
    ...Case.fields,
    text: Schema.String,
    now: Schema.Date,
    expect: Schema.Struct({ limited: Schema.Boolean, untilMs: Schema.optional(Schema.Number) })
  })
  it.each(casesOf("rateLimits", Limits))("$id: $note", ({ expect, now, text }) => {
    const found = RateLimit.inMessage(text, now.getTime())
    assert.strictEqual(found !== undefined, expect.limited)
    const until = expect.untilMs === undefined ? undefined : now.getTime() + expect.untilMs
    assert.strictEqual(found?.until, until)
  })
})

const Answers = Schema.Struct({
  ...Case.fields,
  kind: Schema.Literal("answer", "envelope"),
  text: Schema.String,
  expect: Schema.Struct({
    summary: Schema.optional(Schema.String),
    answered: Schema.optional(Schema.String),
    failed: Schema.optional(Schema.String)
  })
})

describe("answers", () => {
  it.each(casesOf("answers", Answers).filter(({ kind }) => kind === "answer"))("$id: $note", ({ expect, text }) => {
    assert.strictEqual(Either.getOrThrow(Answer.read(text, new Map())).summary, expect.summary)
  })
})

describe("envelopes", () => {
  it.each(casesOf("answers", Answers).filter(({ kind }) => kind === "envelope"))("$id: $note", ({ expect, text }) => {
    const envelope = Option.getOrThrow(Envelope.read(text))
    assert.strictEqual(envelope._tag, expect.failed === undefined ? "Answered" : "Failed")
    if (envelope._tag === "Answered") assert.strictEqual(envelope.text, expect.answered)
    else assert.include(envelope.message, expect.failed ?? "")
  })
})

describe("schedules", () => {
  const Schedules = Schema.Struct({
    ...Case.fields,
    schedule: Schema.Unknown,
    after: Schema.optional(Schema.Date),
    clock: Schema.optional(Schema.Struct({ shows: Schema.Array(Schema.String), from: Schema.Date, to: Schema.Date })),
    expect: Schema.Unknown
  })
  it.each(casesOf("schedules", Schedules).filter(({ clock }) => clock === undefined))(
    "$id: $note",
    ({ after, expect, schedule }) => {
      const decoded = Schema.decodeUnknownOption(HealingSchedule)(schedule)
      const found = Option.match(decoded, {
        onNone: () => "refused",
        onSome: (one) => new Date(nextOccurrence(one, after?.getTime() ?? 0)).toISOString().slice(0, 16)
      })
      assert.include(expect, found)
    }
  )
})

describe("clocks", () => {
  const Clocks = Schema.Struct({
    ...Case.fields,
    schedule: HealingSchedule,
    clock: Schema.Struct({ shows: Schema.Array(Schema.Date), from: Schema.Date, to: Schema.Date }),
    expect: Schema.Struct({ atLeast: Schema.Int })
  })
  const found = casesOf("schedules", Schema.Struct({ clock: Schema.optional(Schema.Unknown), id: Schema.String }))
  const ids = found.filter(({ clock }) => clock !== undefined).map(({ id }) => id)
  it("has some", () => assert.isNotEmpty(ids))
  it.each(ids)("%s", (id) => {
    const line = readFileSync(new URL("field/schedules.jsonl", import.meta.url), "utf8")
      .split("\n")
      .find((text) => text.includes(`"id":"${id}"`))
    const { clock, expect, schedule } = Schema.decodeUnknownSync(Schema.parseJson(Clocks))(line)
    const [begin, ...others] = clock.shows.map((at) => at.getTime())
    assert.isDefined(begin)
    const agenda = new Agenda([], Number.POSITIVE_INFINITY)
    agenda.plan(
      [{ job: "a", schedule, text: "1" }],
      () => true,
      () => false,
      begin
    )
    const comesTrue = (now: number) => {
      const due = agenda.take(now)
      for (const one of due) agenda.done(one)
      return due.length
    }
    for (const now of others) comesTrue(now)
    const looks = Array.from(
      { length: (clock.to.getTime() - clock.from.getTime()) / 3_600_000 },
      (_, hour) => clock.from.getTime() + (hour + 1) * 3_600_000
    )
    assert.isAtLeast(
      looks.map(comesTrue).reduce((sum, count) => sum + count, 0),
      expect.atLeast
    )
  })
})

describe("settings", () => {
  const Accepted = Schema.Struct({
    ...Case.fields,
    yaml: Schema.String,
    expect: Schema.Struct({
      accepted: Schema.Boolean,
      has: Schema.Record({ key: Schema.String, value: Schema.Unknown })
    })
  })
  it.effect.each(casesOf("settings", Accepted))("$id: $note", ({ expect, yaml }) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = `${yield* fs.makeTempDirectoryScoped()}/healing.yaml`
      yield* fs.writeFileString(path, yaml)
      const settings = yield* HealingConfig.pipe(Effect.provide(HealingConfig.layerLoad({ yaml: path })), Effect.option)
      assert.strictEqual(Option.isSome(settings), expect.accepted)
      const { jobs, maxWait } = Option.getOrThrow(settings)
      for (const [key, value] of Object.entries(expect.has)) {
        const [first, job = "", field = ""] = key.split(".")
        if (first === "max_wait") assert.deepStrictEqual(maxWait, Duration.decodeUnknown(value).pipe(Option.getOrThrow))
        else assert.deepStrictEqual(Object(jobs[job])[field], value)
      }
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
  )
})

describe("settings of the module", () => {
  const Kept = Schema.Struct({
    ...Case.fields,
    set: Schema.Record({ key: Schema.String, value: Schema.String }),
    expect: Schema.Struct({ matches: Schema.Array(Schema.String), orRefused: Schema.Boolean })
  })
  it.effect.each(casesOf("module", Kept))("$id: $note", ({ expect, set }) =>
    Effect.gen(function* () {
      const loaded = yield* ModuleSettings.load.pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["effect-healing", JSON.stringify(set)]]))),
        Effect.provide(NodeContext.layer),
        Effect.option
      )
      if (Option.isNone(loaded)) return assert.isTrue(expect.orRefused)
      const isNamed = matcher(loaded.value.pm2.name ?? "")
      for (const name of expect.matches) assert.isTrue(isNamed(name), name)
    })
  )
})

describe("PM2", () => {
  const Told = Schema.Struct({
    ...Case.fields,
    kind: Schema.Literal("role", "list", "events", "signatures"),
    process: Schema.optional(Schema.Unknown),
    list: Schema.optional(Schema.Unknown),
    events: Schema.optional(Schema.Array(Schema.Struct({ topic: Schema.String, payload: Schema.Unknown }))),
    a: Schema.optional(Schema.String),
    b: Schema.optional(Schema.String),
    expect: Schema.Unknown
  })
  const cases = casesOf("pm2", Told)
  const listed = (list: unknown) => Option.getOrThrow(Payload.processesOf(list, "HEALING_OPENCLAW")).processes

  it.each(cases.filter(({ kind }) => kind === "role"))("$id: $note", ({ expect, process }) => {
    const [one] = listed([process])
    assert.isDefined(one)
    const role = roleOf(one, { namespace: "openclaw", isNamed: () => false })
    assert.deepStrictEqual<unknown>({ role }, expect)
  })

  it.each(cases.filter(({ kind }) => kind === "list"))("$id: $note", ({ expect, list }) => {
    const { known, pids, policies } = Schema.decodeUnknownSync(
      Schema.Struct({
        known: Schema.Array(Schema.String),
        pids: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.Unknown }), {
          default: () => ({})
        }),
        policies: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.Unknown }), {
          default: () => ({})
        })
      })
    )(expect)
    const byName = new Map(listed(list).map((one) => [one.job, one]))
    assert.includeMembers([...byName.keys()], [...known])
    for (const [name, pid] of Object.entries(pids)) assert.strictEqual(byName.get(name)?.pid, pid)
    for (const [name, policy] of Object.entries(policies)) assert.deepStrictEqual(byName.get(name)?.policy, policy)
  })

  const failuresOf = (events: (typeof Told.Type)["events"] = []): ReadonlyArray<JobEvent> => {
    const runs = Runs.make()
    return events.flatMap(({ payload, topic }) => {
      if (topic === "log:PM2") Option.map(Payload.lineOf(payload), runs.read)
      return topic === "process:event"
        ? (Option.getOrUndefined(Option.map(Payload.exitOf(payload), runs.ended)) ?? [])
        : []
    })
  }

  it.each(cases.filter(({ kind }) => kind === "events"))("$id: $note", ({ events, expect }) => {
    assert.deepStrictEqual<unknown>({ failures: failuresOf(events).map(({ job }) => job) }, expect)
  })

  it.effect.each(cases.filter(({ kind }) => kind === "signatures"))(
    "$id: $note",
    ({ a = "", b = "", events, expect }) =>
      Effect.gen(function* () {
        const [event] = failuresOf(events)
        assert.isDefined(event)
        const signatureOf = (text: string) =>
          FailureSignature.make(event, { ...noEvidence, logs: [{ name: "stderr", text }] })
        const isSame = (yield* signatureOf(a)) === (yield* signatureOf(b))
        assert.strictEqual(isSame ? "same" : "different", expect)
      }).pipe(Effect.provide(NodeContext.layer))
  )
})

describe("odd names", () => {
  const Odd = Schema.Struct({ ...Case.fields, kind: Schema.Literal("job", "file"), name: Schema.String })
  const cases = casesOf("queue", Odd)
  it.effect.each(cases.filter(({ kind }) => kind === "job"))("$id: $note", ({ name }) =>
    Effect.gen(function* () {
      const queue = yield* HealingQueue
      const { id } = yield* queue.submit({ job: name })
      assert.strictEqual(Option.getOrThrow(yield* queue.get(id)).job, name)
    }).pipe(
      Effect.provide(
        HealingQueue.layer.pipe(
          Layer.provide([HealingStore.layerMemory, Layer.succeed(Reviewer, { review: () => Effect.never })]),
          Layer.provideMerge(Healing.layer({ settings: { enabled: false } }))
        )
      )
    )
  )
  it.effect.each(cases.filter(({ kind }) => kind === "file"))("$id: $note", ({ name }) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      yield* Effect.scoped(Layer.build(HealingStore.layerSqlite(`${folder}/${name}`)))
      assert.include(yield* fs.readDirectory(folder), name)
    }).pipe(Effect.scoped, Effect.provide(NodeContext.layer))
  )
})
