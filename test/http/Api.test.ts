import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import { HttpApi } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { Deferred, Effect, Fiber, Option, Queue, Stream } from "effect"
import { HealingScheduler } from "effect-healing"
import {
  type ApiSegment,
  HealingApi,
  HealingHttp,
  isAllowed,
  type Right,
  Right as RightSchema
} from "effect-healing/http"
import { needs } from "../../src/http/Admitting.js"
import { type Answered, json, makeHttpWorld, type Sent, send } from "../support/httpWorld.js"
import { OLD } from "../support/suggestionWorld.js"

const ajv = new Ajv2020({ strict: false })

/** The schema of this answer in the description of the API, if it has one for it. */
const schemaFor = (description: Record<string, unknown>, method: string, path: string, status: number): unknown => {
  const at = (value: unknown, key: string): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  const keys = [
    "paths",
    path,
    method.toLowerCase(),
    "responses",
    String(status),
    "content",
    "application/json",
    "schema"
  ]
  return keys.reduce(at, description)
}

/** Fails unless the answer is one that the description has for this address. */
const assertDescribed = (description: Record<string, unknown>, path: string, sent: Sent, answered: Answered): void => {
  const method = sent.method ?? "GET"
  const schema = schemaFor(description, method, path, answered.status)
  assert.isDefined(schema, `${method} ${path} answers ${answered.status}: ${answered.text}`)
  const validate = ajv.compile({ ...Object(schema), components: description.components })
  assert.isTrue(validate(JSON.parse(answered.text)), `${method} ${path}: ${ajv.errorsText(validate.errors)}`)
}

/** What `Schema.NumberFromString` and the like are named in paths of OpenAPI. */
const inDescription = (path: string): string => path.replaceAll(/:(\w+)/g, "{$1}")

const content = (fields: object = {}) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(fields)
})

describe("the API", () => {
  it("says of each address who may use it", () => {
    for (const [name, needed] of needs) assert.isTrue(Option.isSome(needed), name)
    const named = new Set(Array.from(needs.values(), Option.getOrThrow))
    assert.sameMembers(Array.from(named), ["nothing", ...RightSchema.literals])
    // What stands in a file, and what runs commands, is for those who decide.
    const rightOf = (name: string) => Option.getOrThrow(Option.flatten(Option.fromNullable(needs.get(name))))
    assert.strictEqual(rightOf("GET /suggestions/:id/preview"), "decide")
    assert.strictEqual(rightOf("GET /doctor"), "decide")
    for (const [action, right] of [
      ["approve", "decide"],
      ["reject", "decide"],
      ["withdraw", "decide"],
      ["apply", "apply"],
      ["rollback", "rollback"]
    ] as const) {
      assert.strictEqual(rightOf(`POST /suggestions/:id/${action}`), right)
    }
    // Whoever may read may not thereby write. The code of a link is all that it takes to come in.
    for (const [name, needed] of needs) {
      if (name === "POST /page/session") continue
      const right = Option.getOrThrow(needed)
      if (right === "read" || right === "nothing") assert.match(name, /^GET /)
    }
  })

  it.scopedLive("answers as its description says, wherever somebody comes to", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld({
        http: { port: 0 },
        notify: {
          channels: { pager: { type: "command", command: ["true"] }, broken: { type: "command", command: ["false"] } }
        }
      })
      const { socket } = yield* world.serve
      const to = { socketPath: socket }
      const description = json((yield* send(to, { path: "/openapi.json" })).text)
      const seen = new Set<string>()
      const ask = (path: string, parameters: Readonly<Record<string, string>>, query: string, sent: Partial<Sent>) =>
        Effect.gen(function* () {
          const actual = path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ""))
          const whole = { ...sent, path: actual + query }
          const answered = yield* send(to, whole)
          seen.add(`${sent.method ?? "GET"} ${path}`)
          if (answered.status !== 204) assertDescribed(description, inDescription(path), whole, answered)
          return answered
        })
      const suggestion = yield* world.propose
      const other = yield* Effect.sync(() => `suggestion:digest:99.1`)
      const job = { job: "a/b c?d=é%" }
      const post = content()
      const status = (path: string, parameters: Readonly<Record<string, string>>, query: string, sent: Partial<Sent>) =>
        Effect.map(ask(path, parameters, query, sent), (answered) => answered.status)

      assert.strictEqual(yield* status("/healthz", {}, "", {}), 200)
      assert.strictEqual(yield* status("/status", {}, "", {}), 200)
      assert.strictEqual(yield* status("/timeline", {}, "", {}), 200)
      assert.strictEqual(yield* status("/problems", {}, "", {}), 200)
      assert.strictEqual(yield* status("/doctor", {}, "", {}), 200)
      assert.strictEqual(yield* status("/jobs", {}, "", {}), 200)
      const one = yield* ask("/jobs/:job", job, "", {})
      assert.deepStrictEqual([one.status, json(one.text).id], [200, job.job])
      assert.strictEqual(yield* status("/jobs/:job", { job: "digset" }, "", {}), 404)
      assert.strictEqual(yield* status("/jobs/:job/runs", job, "", {}), 200)
      assert.strictEqual(yield* status("/jobs/:job/runs", { job: "digset" }, "", {}), 404)
      assert.strictEqual(yield* status("/jobs/:job/occurrences", job, "", {}), 200)
      assert.strictEqual(yield* status("/jobs/:job/cancel", job, "", { method: "POST" }), 200)
      assert.strictEqual(yield* status("/jobs/:job/unlock", job, "", post), 400)
      assert.strictEqual(yield* status("/queue", {}, "?limit=1&offset=0", {}), 200)
      assert.strictEqual(yield* status("/queue", {}, "?limit=0", {}), 400)
      assert.strictEqual(yield* status("/history", {}, "?state=completed&limit=1", {}), 200)
      assert.strictEqual(yield* status("/history", {}, "?before=x", {}), 400)
      assert.strictEqual(yield* status("/requests", {}, "", content({ job: "digset" })), 404)
      assert.strictEqual(yield* status("/requests", {}, "", content({ job: "digest", priority: 1 })), 400)
      assert.strictEqual(yield* status("/requests", {}, "", content({ job: "digest", maxWait: "5" })), 400)
      const healed = yield* ask("/requests", {}, "", content({ ...job, maxWait: "1 hour", note: "please" }))
      assert.strictEqual(healed.status, 202)
      const id = { id: String(json(healed.text).id) }
      const ended = yield* ask("/requests/:id", id, "?wait=60s", {})
      assert.strictEqual(json(ended.text).state, "completed")
      assert.strictEqual(yield* status("/requests/:id", id, "?wait=61s", {}), 400)
      assert.strictEqual(yield* status("/requests/:id", { id: "healing:x:99" }, "", {}), 404)
      assert.strictEqual(yield* status("/requests/:id/cancel", id, "", { method: "POST" }), 200)
      assert.strictEqual(yield* status("/queue/pause", {}, "", { method: "POST" }), 204)
      assert.strictEqual(yield* status("/status", {}, "", {}), 200)
      assert.strictEqual(yield* status("/queue/resume", {}, "", { method: "POST" }), 204)
      assert.strictEqual(yield* status("/suggestions", {}, "?state=pending&state=approved&limit=1", {}), 200)
      assert.strictEqual(yield* status("/suggestions", {}, "?after=x", {}), 400)
      assert.strictEqual(yield* status("/suggestions", {}, "?state=maybe", {}), 400)
      assert.strictEqual(yield* status("/suggestions/locks", {}, "", {}), 200)
      assert.strictEqual(yield* status("/suggestions/rehearsal", {}, "?since=0", {}), 200)
      assert.strictEqual(yield* status("/suggestions/stop", {}, "", content({ reason: "not today" })), 204)
      assert.strictEqual(yield* status("/status", {}, "", {}), 200)
      assert.strictEqual(yield* status("/suggestions/:id", { id: suggestion }, "", {}), 200)
      assert.strictEqual(yield* status("/suggestions/:id", { id: other }, "", {}), 404)
      assert.strictEqual(yield* status("/suggestions/:id", { id: "x" }, "", {}), 400)
      const previewed = yield* ask("/suggestions/:id/preview", { id: suggestion }, "?restart=false", {})
      const { seal } = json(previewed.text)
      assert.strictEqual(yield* status("/suggestions/:id/approve", { id: suggestion }, "", content({ seal: "x" })), 400)
      const wrong = `seal:${"0".repeat(64)}`
      assert.strictEqual(
        yield* status("/suggestions/:id/approve", { id: suggestion }, "", content({ seal: wrong })),
        409
      )
      assert.strictEqual(yield* status("/suggestions/:id/approve", { id: suggestion }, "", content({ seal })), 200)
      assert.strictEqual(yield* status("/suggestions/:id/withdraw", { id: suggestion }, "", post), 200)
      assert.strictEqual(yield* status("/suggestions/:id/approve", { id: suggestion }, "", content({ seal })), 200)
      // Applications are stopped.
      assert.strictEqual(yield* status("/suggestions/:id/apply", { id: suggestion }, "", post), 409)
      assert.strictEqual(yield* status("/suggestions/resume", {}, "", { method: "POST" }), 204)
      assert.strictEqual(yield* status("/suggestions/:id/apply", { id: suggestion }, "", post), 200)
      writeFileSync(world.file, `${OLD}and mine\n`)
      assert.strictEqual(yield* status("/suggestions/:id/rollback", { id: suggestion }, "", post), 409)
      assert.strictEqual(yield* status("/suggestions/:id/reject", { id: suggestion }, "", post), 409)
      assert.strictEqual(yield* status("/suggestions/:id/steps", { id: suggestion }, "", {}), 200)
      const [, ...steps] = yield* world.suggestions.steps(suggestion)
      assert.deepStrictEqual(new Set(steps.map(({ by }) => by.door)), new Set(["socket"]))

      assert.strictEqual(yield* status("/notices", {}, "?channel=pager&state=sent&state=pending&limit=1", {}), 200)
      assert.strictEqual(yield* status("/notices", {}, "?limit=0", {}), 400)
      const channels = yield* ask("/notices/channels", {}, "", {})
      assert.notMatch(channels.text, /true|false/)
      assert.strictEqual(yield* status("/notices/mute", {}, "", content({ job: "digest", for: "1 hour" })), 200)
      assert.strictEqual(yield* status("/notices/mute", {}, "", content({ job: "digest", for: "1" })), 400)
      assert.strictEqual(yield* status("/notices/mute", {}, "", content({ for: "1 hour" })), 400)
      const muted = yield* ask("/notices/muted", {}, "", {})
      assert.deepInclude(JSON.parse(muted.text)[0], { job: "digest", signature: null })
      assert.strictEqual(yield* status("/notices/unmute", {}, "", content({ job: "digest" })), 204)
      const tried = yield* ask("/notices/test", {}, "", post)
      assert.deepStrictEqual(JSON.parse(tried.text), [
        { channel: "pager", problem: null },
        { channel: "broken", problem: "the program has ended with 1" }
      ])
      assert.strictEqual(yield* status("/notices/test", {}, "", content({ channel: "pagr" })), 400)

      assert.strictEqual(yield* status("/caller", {}, "", {}), 200)
      const link = yield* ask("/page/link", {}, "", { method: "POST" })
      const code = new URL(String(json(link.text).url)).hash.replace("#code=", "")
      assert.strictEqual(yield* status("/page/session", {}, "", content({ code })), 200)
      assert.strictEqual(yield* status("/page/session", {}, "", content({ code })), 410)

      // Lists are brief: reports and contents of files stand where one is asked for.
      for (const path of ["/history", "/queue", "/jobs", "/suggestions"]) {
        assert.notMatch((yield* send(to, { path })).text, /proposedContent|"report"/)
      }
      const others = ["GET /metrics", "GET /events"]
      assert.sameMembers([...seen, ...others], Array.from(needs.keys()))
    })
  )

  it.scopedLive("tells of a job its last runs, newest first, and the policy that is in force", () =>
    Effect.gen(function* () {
      const policy = { schedule: { frequency: "weekly", day: "friday", timeZone: "UTC" }, output: { must: ["done"] } }
      const world = yield* makeHttpWorld({
        cooldown: "20 minutes",
        jobs: { inbox: { minRuns: 7 }, odd: { triggers: "never" as never } }
      })
      const { socket } = yield* world.serve
      const { api } = yield* HealingHttp.client({ socket })
      yield* world.registry.add({ id: "inbox", policy: { ...policy, minRuns: 2, maxDuration: "1 hour" } as never })
      yield* world.registry.add({ id: "odd" })
      const { policy: inForce } = yield* api.jobs.get({ path: { job: "inbox" } })
      assert.deepInclude(inForce, {
        enabled: true,
        schedule: "weekly on friday at 03:00 in UTC",
        // What the settings say goes first.
        minRuns: 7,
        cooldownMs: 20 * 60_000,
        priority: null,
        maxDurationMs: 3_600_000,
        minDurationMs: null,
        output: { must: ["done"] }
      })
      assert.isNull((yield* api.jobs.get({ path: { job: "odd" } })).policy)

      const ends: Array<Array<string>> = []
      for (let i = 0; i < 60; i++) {
        const exitCode = i % 3 === 0 ? 1 : 0
        const runId = yield* world.registry.started("inbox")
        yield* world.registry.ended("inbox", runId, { exitCode })
        ends.unshift([runId, exitCode === 0 ? "succeeded" : "failed"])
      }
      const runs = yield* api.jobs.runs({ path: { job: "inbox" } })
      assert.isNotEmpty(runs)
      assert.deepStrictEqual(
        runs.map(({ id, outcome }) => [id, outcome]),
        ends.slice(0, Math.min(runs.length, 50))
      )
    })
  )

  it.scopedLive("tells what has run, waited and been under review, and each change of that as it happens", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { api, events } = yield* HealingHttp.client({ socket })
      // Of each segment that is told the last one counts.
      const told = new Map<number, ApiSegment>()
      const isTold = (kind: ApiSegment["kind"], hasEnded: boolean) =>
        Array.from(told.values()).some(
          (one) =>
            one.kind === kind &&
            one.name === "digest" &&
            // How a run has ended may be told a moment after its end.
            (hasEnded ? one.to !== null && (kind !== "run" || one.outcome !== null) : one.to === null)
        )
      const news = yield* Queue.unbounded<void>()
      const until = (kind: ApiSegment["kind"], hasEnded: boolean): Effect.Effect<void> =>
        Effect.suspend(() =>
          isTold(kind, hasEnded) ? Effect.void : Effect.zipRight(Queue.take(news), until(kind, hasEnded))
        )
      const watching = yield* Deferred.make<void>()
      yield* Effect.forkScoped(
        Stream.runForEach(events(), ({ event }) =>
          Effect.gen(function* () {
            if (event._tag === "Snapshot") yield* Deferred.succeed(watching, undefined)
            if (event._tag === "Segment") told.set(event.segment.id, event.segment)
            yield* Queue.offer(news, undefined)
          })
        )
      )
      yield* Deferred.await(watching)
      const runId = yield* world.registry.started("digest")
      yield* until("run", false)
      const end = yield* world.hold
      yield* world.queue.submit({ job: "digest", trigger: "manual" })
      yield* until("waiting", false)
      yield* world.registry.ended("digest", runId, { exitCode: 1, lastError: "boom" })
      yield* until("run", true)
      yield* until("review", false)
      yield* Deferred.succeed(end, undefined)
      yield* until("review", true)
      const segments = yield* api.status.timeline()
      // The failure asks for one more review, so that others may go on.
      for (const one of told.values()) if (one.to !== null) assert.deepInclude(segments, one)
      assert.deepStrictEqual(
        segments.filter(({ kind }) => kind === "run").map(({ name, outcome, to }) => [name, outcome, to !== null]),
        [["digest", "failed", true]]
      )
    })
  )

  it.scopedLive("tells of reviews that had ended before it began to record, each once", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      yield* world.queue.heal({ job: "digest" })
      const { socket } = yield* world.serve
      const { api } = yield* HealingHttp.client({ socket })
      const reviews = Effect.map(api.status.timeline(), (all) => all.filter(({ kind }) => kind === "review"))
      const [before, ...others] = yield* reviews
      const [past] = yield* world.queue.history()
      assert.deepStrictEqual([before?.name, before?.from, before?.to], ["digest", past?.starts[0], past?.endedAt])
      assert.isEmpty(others)
      assert.deepStrictEqual(yield* reviews, [before])
    })
  )

  it.scopedLive("has the doctor look, who says what the service itself knows, and sends no trial", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { api } = yield* HealingHttp.client({ socket })
      yield* world.registry.add({ id: "odd", policy: { schedule: "sometimes" } as never })
      yield* Effect.flatMap(HealingScheduler, ({ refresh }) => refresh).pipe(Effect.provide(world.context))
      const findings = yield* api.status.doctor()
      const of = (check: string) => findings.filter((finding) => finding.check === check)
      assert.strictEqual(of("service")[0]?.outcome, "ok")
      assert.strictEqual(of("policies")[0]?.outcome, "warn")
      assert.include(of("policies")[0]?.message, "The policy of odd: schedule")
      assert.isEmpty(of("channels"))
      // Two at once are made one after the other, and both are answered.
      const both = yield* Effect.all([api.status.doctor(), api.status.doctor()], { concurrency: 2 })
      assert.deepStrictEqual(
        both.map((all) => all.map(({ check }) => check)),
        Array.from({ length: 2 }, () => findings.map(({ check }) => check))
      )
    })
  )

  it.scopedLive("has a typed client, which fails with the errors of the services", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld({ http: { port: 0 } })
      const { socket } = yield* world.serve
      const { api } = yield* HealingHttp.client({ socket })
      const unknown = yield* Effect.flip(api.requests.get({ path: { id: "healing:x:7" }, urlParams: {} }))
      const same = yield* Effect.flip(world.queue.await("healing:x:7"))
      assert.deepStrictEqual([unknown._tag, unknown.message], [same._tag, same.message])
      const misspelt = yield* Effect.flip(api.requests.heal({ payload: { job: "digset" } }))
      assert.strictEqual(misspelt.message, 'The supervisor has no job "digset": did you mean digest?')
      const id = yield* world.propose
      const { seal } = yield* world.suggestions.preview(id)
      yield* world.suggestions.reject(id, { who: "anna" })
      const decided = yield* Effect.flip(api.suggestions.approve({ path: { id }, payload: { seal: seal ?? "" } }))
      const direct = yield* Effect.flip(world.suggestions.approve(id, { who: "bert", seal: seal ?? "" }))
      assert.deepStrictEqual(decided, direct)
    })
  )

  it.scopedLive("has a page of docs that loads nothing, and runs nothing but what stands in it", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { headers, text } = yield* send({ socketPath: socket }, { path: "/docs" })
      const policy = String(headers["content-security-policy"])
      const inline = Array.from(text.matchAll(/<(script|style)[^>]*>([\s\S]*?)<\/\1>/g))
      assert.isAbove(inline.length, 2)
      for (const [, tag, content = ""] of inline) {
        const hash = createHash("sha256").update(content).digest("base64")
        assert.match(policy, new RegExp(`${tag}-src [^;]*'sha256-${hash.replaceAll(/[+/=]/g, "\\$&")}'`))
      }
      assert.notMatch(policy, /unsafe|\*|https?:/)
      assert.include(policy, "default-src 'none'")
      assert.notMatch(text.replaceAll(/<(script|style)[^>]*>[\s\S]*?<\/\1>/g, ""), /(?:src|href)=/)
      const plain = yield* send({ socketPath: socket }, { path: "/status" })
      assert.strictEqual(plain.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'")
    })
  )

  it.scopedLive("says what does not fit where, and what was meant", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const of = (sent: Sent) =>
        Effect.map(send({ socketPath: socket }, sent), ({ status, text }) => [status, json(text).message])
      assert.deepStrictEqual(yield* of({ path: "/history?stat=failed" }), [
        400,
        "stat: is not known: did you mean state?"
      ])
      assert.deepStrictEqual(yield* of({ path: "/requests", ...content({ job: "digest", maxwait: "1 hour" }) }), [
        400,
        "maxwait: is not known: did you mean maxWait?"
      ])
      assert.deepStrictEqual(yield* of({ path: "/requests", ...content({ job: "digest", maxWait: "soon" }) }), [
        400,
        'maxWait: expected a duration with its unit, such as "1 hour"'
      ])
      assert.strictEqual((yield* world.queue.pending).length, 0)
    })
  )

  it.scopedLive("waits for the end of a request for as long as is asked", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { api } = yield* HealingHttp.client({ socket })
      yield* world.openClaw.started("digest")
      const { id } = yield* api.requests.heal({ payload: { job: "digest" } })
      assert.strictEqual((yield* api.requests.get({ path: { id }, urlParams: {} })).state, "pending")
      assert.strictEqual((yield* api.requests.get({ path: { id }, urlParams: { wait: "1ms" } })).state, "pending")
      const { heldBy, waiting } = yield* api.status.status()
      assert.deepStrictEqual([waiting, heldBy.map(({ _tag, names }) => [_tag, names])], [1, [["Jobs", ["digest"]]]])
      const waits = yield* Effect.fork(api.requests.get({ path: { id }, urlParams: { wait: "60s" } }))
      yield* world.openClaw.finished("digest")
      assert.strictEqual((yield* Fiber.join(waits)).state, "completed")
      // One that is cancelled has come to its end as well.
      const end = yield* world.hold
      const next = yield* api.requests.heal({ payload: { job: "digest" } })
      const cancelled = yield* Effect.fork(api.requests.get({ path: { id: next.id }, urlParams: { wait: "60s" } }))
      yield* api.jobs.cancel({ path: { job: "digest" } })
      assert.strictEqual((yield* Fiber.join(cancelled)).state, "cancelled")
      yield* Deferred.succeed(end, undefined)
    })
  )

  it.scopedLive("pages through the past without gaps and doubles", () =>
    Effect.gen(function* () {
      const world = yield* makeHttpWorld()
      const { socket } = yield* world.serve
      const { api } = yield* HealingHttp.client({ socket })
      for (let i = 0; i < 7; i++) yield* world.queue.heal({ job: i % 3 === 0 ? "digest" : "a/b c?d=é%" })
      for (const job of [undefined, "digest"]) {
        const all = (yield* world.queue.history({ job, limit: 1000 })).map(({ id }) => id)
        const paged: Array<string> = []
        let before: string | null | undefined
        while (before !== null) {
          const page: { readonly requests: ReadonlyArray<{ readonly id: string }>; readonly next: string | null } =
            yield* api.requests.history({
              urlParams: { limit: 2, ...(job !== undefined && { job }), ...(before !== undefined && { before }) }
            })
          paged.push(...page.requests.map(({ id }) => id))
          before = page.next
        }
        assert.deepStrictEqual(paged, all)
      }
    })
  )

  it("has rights that add up", () => {
    const may = (rights: Parameters<typeof isAllowed>[0]["rights"]) =>
      RightSchema.literals.filter((right) => isAllowed({ rights }, right))
    assert.deepStrictEqual(may("all"), [...RightSchema.literals])
    assert.deepStrictEqual(may("read"), ["read"])
    assert.deepStrictEqual(may("none"), [])
    const some: ReadonlyArray<Right> = ["heal", "apply"]
    assert.deepStrictEqual(may(some), some)
    assert.strictEqual(HttpApi.isHttpApi(HealingApi), true)
  })
})
