import { type AddressInfo, createServer } from "node:net"
import { NodeSocket } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, HashMap, Layer, Logger, Redacted, Scope, Stream } from "effect"
import { type Activity, HealingConfig, HealingService, OpenClaw, Supervisor, SupervisorError } from "effect-healing"
import { OpenClawGateway, type OpenClawGatewayOptions } from "effect-healing/openclaw"
import { fastClock } from "../support/fastClock.js"
import { heard } from "../support/heard.js"
import { active, type FakeGateway, hello, makeGateway } from "./gateway/makeGateway.js"

const TOKEN = "a-token-of-the-gateway-0123456789"

const layerOf = (options: OpenClawGatewayOptions) =>
  OpenClawGateway.layer({ token: Redacted.make(TOKEN), ...options }).pipe(
    Layer.provide(NodeSocket.layerWebSocketConstructor)
  )

const adapterOf = (options: OpenClawGatewayOptions) =>
  Effect.map(Layer.build(layerOf(options)), (context) => Context.get(context, Supervisor))

const isIdle = (activity: Activity | undefined): boolean => activity?._tag === "Known" && activity.running.length === 0

const isBusy = (activity: Activity | undefined): boolean => activity?._tag === "Known" && activity.running.length > 0

const reasonOf = (activity: Activity | undefined): string => (activity?._tag === "Unknown" ? activity.reason : "")

/** Time goes faster. */
const hasted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withClock(effect, fastClock(Date.now(), 20))

/** An adapter, and what it says of what runs. */
const watched = (gateway: Pick<FakeGateway, "url">, options: OpenClawGatewayOptions = {}) =>
  Effect.gen(function* () {
    const adapter = yield* adapterOf({ url: gateway.url, ...options })
    const activity = yield* heard(adapter.activity)
    const idle = activity.until((all) => isIdle(all.at(-1)))
    const busy = activity.until((all) => isBusy(all.at(-1)))
    const unknown = (why: RegExp) => activity.until((all) => why.test(reasonOf(all.at(-1))))
    return { ...adapter, activity, idle, busy, unknown }
  })

/** As they were recorded: what a failing cron job tells, and is asked for. */
const cronJob = (changed: object = {}, state: object = {}) => ({
  id: "c984c5d5-2918-45b0-a04f-585da660618c",
  name: "broken",
  enabled: true,
  createdAtMs: 1795652156814,
  schedule: { kind: "cron", expr: "0 3 * * *" },
  payload: { kind: "agentTurn", message: "Sort the inbox.", toolsAllow: ["*"] },
  state: { nextRunAtMs: 1795738556814, ...state },
  ...changed
})

const AT = 1795652156934

const finished = (changed: object = {}) => ({
  jobId: "c984c5d5-2918-45b0-a04f-585da660618c",
  action: "finished",
  status: "error",
  completionStatus: "failed",
  error: "LLM request failed: provider rejected the request schema or tool payload.",
  runAtMs: AT,
  durationMs: 4814,
  runId: "manual:c984c5d5:1795652156902:2",
  ...changed
})

const started = (changed: object = {}) => ({
  jobId: "c984c5d5-2918-45b0-a04f-585da660618c",
  action: "started",
  runAtMs: AT,
  job: cronJob(),
  ...changed
})

const RUN = `c984c5d5-2918-45b0-a04f-585da660618c:${AT}`

describe("OpenClawGateway", () => {
  describe.concurrent("what runs", () => {
    it.scopedLive("is nothing once it was quiet, and something at the first sign", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        const { activity, busy, idle } = yield* watched(gateway)
        const before = yield* idle
        assert.isTrue(before.slice(0, -1).every(({ _tag }) => _tag === "Unknown"))
        gateway.tell("sessions.changed", { reason: "cron-binding" })
        gateway.tell("cron", { jobId: "x", action: "added" })
        gateway.tell("tick", {})
        gateway.tell("agent", { runId: "r", data: { phase: "start" }, stream: "lifecycle" })
        yield* busy
        assert.deepStrictEqual((yield* activity.all).at(-1), { _tag: "Known", running: ["openclaw gateway"] })
        gateway.answers["gateway.restart.preflight"] = active(2)
        yield* Effect.sleep("10 seconds")
        assert.isTrue(isBusy((yield* activity.all).at(-1)), "by its count alone")
        gateway.answers["gateway.restart.preflight"] = active(0)
        yield* idle
        assert.deepStrictEqual(
          gateway.asked.slice(0, 3).map(({ method }) => method),
          ["connect", "sessions.subscribe", "gateway.restart.preflight"]
        )
      }).pipe(hasted)
    )

    it.scopedLive("asks with the right to read, and for nothing else", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        yield* Effect.flatMap(watched(gateway), ({ idle }) => idle)
        const { params } =
          gateway.asked.find(({ method }) => method === "connect") ?? assert.fail("it has not connected")
        assert.deepInclude(params, {
          role: "operator",
          scopes: ["operator.read"],
          minProtocol: 4,
          maxProtocol: 4,
          auth: { token: TOKEN }
        })
        assert.notInclude(
          gateway.asked.map(({ method }) => method),
          "sessions.list"
        )
      }).pipe(hasted)
    )

    it.scopedLive("is unknown from the loss of a connection until it was quiet over another one", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        const { activity, idle, unknown } = yield* watched(gateway)
        yield* idle
        for (const code of [1000, 1006, 1012]) {
          gateway.drop(code)
          yield* unknown(/no connection to 127\.0\.0\.1/)
          yield* idle
        }
        assert.strictEqual(gateway.connections(), 4)
        assert.strictEqual(gateway.open(), 1)
        assert.isFalse((yield* activity.all).some(isBusy))
      }).pipe(hasted)
    )

    it.scopedLive("feeds the running state as a source of its own, with the quotas that it hears of", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        gateway.answers["usage.status"] = {
          payload: {
            updatedAt: 1,
            providers: [
              {
                provider: "anthropic",
                displayName: "Anthropic",
                windows: [
                  { label: "5h", usedPercent: 61.5, resetAt: 1_800_000_000_000 },
                  { label: 5 },
                  { usedPercent: 250 }
                ],
                accountEmail: "somebody@example.com"
              },
              { provider: "other" }
            ]
          }
        }
        const context = yield* Supervisor.layerActivity.pipe(
          Layer.provideMerge(HealingService.layer),
          Layer.provideMerge(OpenClaw.layer),
          Layer.provideMerge(HealingConfig.layer()),
          Layer.provide(layerOf({ url: gateway.url })),
          Layer.build
        )
        const { running } = Context.get(context, OpenClaw)
        const first = yield* running.get
        assert.deepStrictEqual(
          first.unknown.map(({ name }) => name),
          ["openclaw gateway"]
        )
        yield* running.changes.pipe(
          Stream.filter(({ quotas, unknown }) => unknown.length === 0 && quotas.length > 0),
          Stream.runHead
        )
        gateway.tell("chat", {})
        yield* running.changes.pipe(
          Stream.filter(({ jobs }) => HashMap.has(jobs, "openclaw gateway")),
          Stream.runHead
        )
        const { quotas } = yield* Context.get(context, HealingService).status.get
        assert.deepStrictEqual(quotas, [
          { provider: "Anthropic", window: "5h", usedPercent: 61.5, resetsAt: 1_800_000_000_000 },
          { provider: "Anthropic", window: "a window", usedPercent: 100, resetsAt: null }
        ])
      }).pipe(hasted)
    )
  })

  describe("cron jobs", () => {
    it.scopedLive("are jobs, and what fails of them is told once", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        gateway.answers["cron.list"] = ({ offset = 0 }: { offset?: number }) => ({
          payload:
            offset === 0
              ? { jobs: [cronJob(), cronJob({ id: "other", name: "broken" }), { odd: true }], nextOffset: 200 }
              : { jobs: [cronJob({ id: "third", name: "fine" })], nextOffset: null }
        })
        const { activity, busy, evidence, events, idle, jobs, runs } = yield* watched(gateway)
        const failures = yield* heard(events)
        const told = yield* heard(runs)
        yield* idle
        assert.deepStrictEqual(yield* jobs, [
          { id: "openclaw cron: broken", kind: "openclaw cron", openClaw: true, policy: {} },
          { id: "openclaw cron: fine", kind: "openclaw cron", openClaw: true, policy: {} }
        ])
        gateway.tell("cron", started())
        yield* busy
        assert.deepStrictEqual((yield* activity.all).at(-1), { _tag: "Known", running: ["openclaw cron: broken"] })
        for (let times = 0; times < 3; times++) gateway.tell("cron", finished())
        gateway.tell("cron", started({ runAtMs: AT + 10_000 }))
        gateway.tell(
          "cron",
          finished({ runAtMs: AT + 10_000, status: "ok", completionStatus: "succeeded", error: undefined })
        )
        gateway.tell("cron", finished({ runAtMs: AT + 20_000, error: "Cancelled by operator." }))
        gateway.tell("cron", finished({ runAtMs: AT + 25_000, status: "skipped", error: undefined }))
        gateway.tell("cron", started({ runAtMs: AT + 27_000 }))
        gateway.tell("cron", finished({ runAtMs: AT + 27_000, status: "skipped", error: "no provider" }))
        gateway.tell("cron", finished({ runAtMs: AT + 30_000, error: undefined, diagnostics: { summary: "exit 3" } }))
        const all = yield* told.until((all) => all.length >= 10)
        assert.deepStrictEqual(
          all.map((run) => (run._tag === "Started" ? "started" : run.outcome)),
          ["started", "failed", "started", "succeeded", "started", "stopped", "started", "stopped", "started", "failed"]
        )
        assert.deepStrictEqual(
          all.slice(0, 2).map(({ runId }) => runId),
          [RUN, RUN]
        )
        assert.deepInclude(all[1], { startedAt: AT, at: AT + 4814 })
        assert.deepStrictEqual(yield* failures.all, [
          {
            job: "openclaw cron: broken",
            trigger: "failure",
            runId: RUN,
            exitCode: null,
            lastError: "LLM request failed: provider rejected the request schema or tool payload."
          },
          {
            job: "openclaw cron: broken",
            trigger: "failure",
            runId: `c984c5d5-2918-45b0-a04f-585da660618c:${AT + 30_000}`,
            exitCode: null,
            lastError: "exit 3"
          }
        ])
        gateway.answers["cron.runs"] = ({ id }: { id: string }) => ({
          payload: id === "other" ? { entries: [] } : { entries: [{ ...finished(), ts: AT }, { odd: true }] }
        })
        const [broken] = yield* jobs
        const found = yield* evidence(broken ?? assert.fail("it has no job"), {
          _tag: "Since",
          since: 0,
          runId: null,
          limit: 5
        })
        assert.deepStrictEqual(found, {
          command: "openclaw cron: broken (0 3 * * *); openclaw cron: broken (0 3 * * *)",
          runs: [{ id: RUN, outcome: "failed", startedAt: AT, endedAt: AT + 4814, exitCode: null }],
          slaBreaches: [],
          logs: [
            {
              name: "errors",
              text: "2026-11-26T00:15:56.934Z failed: LLM request failed: provider rejected the request schema or tool payload."
            },
            { name: "prompt", text: "Sort the inbox.\n\nSort the inbox." }
          ],
          files: []
        })
        const nobody = { id: "openclaw cron: nobody", kind: "", openClaw: true, policy: {} }
        const error = yield* Effect.flip(evidence(nobody, { _tag: "Since", since: 0, runId: null, limit: 5 }))
        assert.instanceOf(error, SupervisorError)
      }).pipe(hasted)
    )

    it.scopedLive("that run while it is connected for the first time are told of, and not what had failed before", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        const failed = (at: number) => ({ lastRunAtMs: at, lastRunStatus: "error", lastError: "before" })
        // It tells of a start, and of an end, before it has listed anything.
        gateway.answers["cron.list"] = () => {
          gateway.tell("cron", started({ jobId: "a", runAtMs: 5000 }))
          gateway.tell("cron", started({ jobId: "b", runAtMs: 5000 }))
          return {
            payload: {
              jobs: [cronJob({ id: "a" }, { ...failed(1000), runningAtMs: 5000 }), cronJob({ id: "b" }, failed(5000))]
            }
          }
        }
        const { events, runs } = yield* watched(gateway)
        const failures = yield* heard(events)
        const told = yield* heard(runs)
        yield* told.until((all) => all.length >= 2)
        for (const jobId of ["a", "b"]) gateway.tell("cron", finished({ jobId, runAtMs: 5000 }))
        const all = yield* failures.until((all) => all.length >= 2)
        assert.deepStrictEqual(
          all.map(({ runId }) => runId),
          ["a:5000", "b:5000"]
        )
      }).pipe(hasted)
    )

    it.scopedLive("are told of what has failed without a connection, and not of what had failed before", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        const failed = (at: number) => ({
          lastRunAtMs: at,
          lastRunStatus: "error",
          lastDurationMs: 5,
          lastError: `at ${at}`
        })
        const list = (...jobs: ReadonlyArray<object>) => {
          gateway.answers["cron.list"] = { payload: { jobs } }
        }
        list(cronJob({ id: "a", name: "a" }, failed(1000)), cronJob({ id: "b", name: "b" }, { runningAtMs: 2000 }))
        const { events, idle, runs } = yield* watched(gateway)
        const failures = yield* heard(events)
        const told = yield* heard(runs)
        yield* idle
        yield* told.until((all) => all.length === 1)
        list(
          cronJob({ id: "a", name: "a" }, failed(3000)),
          cronJob({ id: "b", name: "b" }, {}),
          cronJob({ id: "c", name: "c" }, failed(4000)),
          cronJob({ id: "d", name: "d" }, { runningAtMs: 5000 })
        )
        gateway.drop()
        yield* told.until((all) => all.length >= 7)
        assert.deepStrictEqual(
          (yield* failures.all).map(({ job, lastError, runId }) => [job, runId, lastError]),
          [
            ["openclaw cron: a", "a:3000", "at 3000"],
            ["openclaw cron: c", "c:4000", "at 4000"]
          ]
        )
        const words = (yield* told.all).map(
          (run) => `${run.job.slice(-1)} ${run._tag === "Started" ? "started" : run.outcome}`
        )
        assert.deepStrictEqual(words, [
          "b started",
          "a started",
          "a failed",
          "b stopped",
          "c started",
          "c failed",
          "d started"
        ])
        const late = yield* heard(runs)
        assert.deepStrictEqual(
          (yield* late.until((all) => all.length > 0)).map(({ runId }) => runId),
          ["d:5000"],
          "who comes late hears what runs"
        )
      }).pipe(hasted)
    )
  })

  describe.concurrent("what can go wrong", () => {
    const refusal = (details: object, code = "INVALID_REQUEST") => ({
      error: { code, message: `${TOKEN} and more`, details }
    })

    const cases: ReadonlyArray<readonly [what: string, why: RegExp, arrange: (gateway: FakeGateway) => void]> = [
      [
        "a refusal of the connection, 401",
        /no connection/,
        (gateway) => (gateway.refuse = (socket) => socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"))
      ],
      [
        "an error as JSON, 500",
        /no connection/,
        (gateway) =>
          (gateway.refuse = (socket) =>
            socket.end(
              'HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"error":"no"}'
            ))
      ],
      [
        "an error as text, 500",
        /no connection/,
        (gateway) => (gateway.refuse = (socket) => socket.end("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"))
      ],
      [
        "what is no HTTP",
        /no connection/,
        (gateway) => (gateway.refuse = (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"))
      ],
      ["a door that never opens", /no connection|does not say hello/, (gateway) => (gateway.refuse = () => {})],
      ["an end in mid-frame", /no connection/, (gateway) => (gateway.answers.connect = "breaks off")],
      [
        "JSON that was cut",
        /what is no frame/,
        (gateway) => (gateway.answers.connect = { raw: '{"type":"res","id":"1","ok":true,"payl' })
      ],
      [
        "what is no JSON",
        /what is no frame/,
        (gateway) => (gateway.answers["gateway.restart.preflight"] = { raw: "<html>" })
      ],
      ["no hello", /does not say hello/, (gateway) => (gateway.answers.connect = "nothing")],
      [
        "an odd hello",
        /hello in a way that is not known/,
        (gateway) => (gateway.answers.connect = { payload: { type: "hi" } })
      ],
      [
        "another protocol",
        /version 4 of its protocol/,
        (gateway) => (gateway.answers.connect = refusal({ code: "PROTOCOL_MISMATCH", expectedProtocol: 5 }))
      ],
      [
        "a gateway that starts",
        /refuses the connection \(startup-sidecars\)/,
        (gateway) =>
          (gateway.answers.connect = {
            error: { code: "UNAVAILABLE", retryable: true, retryAfterMs: 500, details: { reason: "startup-sidecars" } }
          })
      ],
      [
        "a rate limit of connections",
        /refuses the connection \(AUTH_RATE_LIMITED\)/,
        (gateway) => {
          gateway.answers.connect = {
            error: { code: "INVALID_REQUEST", retryAfterMs: 0, details: { code: "AUTH_RATE_LIMITED" } }
          }
        }
      ],
      [
        "a refusal in prose",
        /refuses the connection \(an unknown error\)/,
        (gateway) => (gateway.answers.connect = { error: { code: `no ${TOKEN}` } })
      ],
      [
        "an old gateway",
        /older than 2026\.5\.28/,
        (gateway) => (gateway.answers.connect = hello({ features: { methods: ["health"] } }))
      ],
      [
        "no answer to a question",
        /does not answer/,
        (gateway) => (gateway.answers["gateway.restart.preflight"] = "nothing")
      ],
      [
        "a question that is refused",
        /does not say how much it has to do \(gateway-restarting\)/,
        (gateway) =>
          (gateway.answers["gateway.restart.preflight"] = refusal({ reason: "gateway-restarting" }, "UNAVAILABLE"))
      ],
      [
        "an answer without a count",
        /does not say how much it has to do/,
        (gateway) => (gateway.answers["gateway.restart.preflight"] = { payload: { safe: true } })
      ],
      [
        "a count that is none",
        /does not say how much it has to do/,
        (gateway) =>
          (gateway.answers["gateway.restart.preflight"] = { payload: { safe: true, counts: { totalActive: -1 } } })
      ]
    ]

    for (const [what, why, arrange] of cases) {
      it.scopedLive(`is unknown with ${what}, and known when it is well again`, () =>
        Effect.gen(function* () {
          const gateway = yield* makeGateway
          const good = { ...gateway.answers }
          arrange(gateway)
          const { activity, idle, jobs, unknown } = yield* watched(gateway)
          const all = yield* unknown(why)
          assert.isFalse(all.some(isIdle))
          assert.notInclude(JSON.stringify(all), TOKEN)
          if (!/count|question|old/.test(what)) assert.notInclude((yield* Effect.flip(jobs)).detail, TOKEN)
          gateway.refuse = undefined
          Object.assign(gateway.answers, good)
          gateway.drop()
          yield* idle
          assert.notInclude(JSON.stringify(yield* activity.all), TOKEN)
        }).pipe(hasted)
      )
    }

    it.scopedLive("goes on with fields that nobody knows, gaps of seq, and without what it may not know", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        gateway.answers.connect = { payload: { type: "hello-ok", protocol: 4, news: [1], server: { bootId: 7 } } }
        gateway.answers["sessions.subscribe"] = { error: { code: "FORBIDDEN" } }
        gateway.answers["cron.list"] = { error: { code: "FORBIDDEN", details: { code: "MISSING_SCOPE" } } }
        gateway.answers["gateway.restart.preflight"] = { payload: { counts: { totalActive: 0, more: 1 }, news: true } }
        gateway.answers["usage.status"] = { payload: "no" }
        const { busy, idle, jobs } = yield* watched(gateway)
        yield* idle
        assert.deepStrictEqual(yield* jobs, [])
        gateway.answers["cron.list"] = { error: { code: "UNAVAILABLE", details: { reason: "gateway-restarting" } } }
        assert.include((yield* Effect.flip(jobs)).detail, "gateway-restarting")
        gateway.send('{"event":"agent","seq":9,"type":"event","payload":{"runId":"r","x":1}}')
        yield* busy
        gateway.send('{"type":"event","event":"agent","seq":3,"payload":{"runId":"r","data":{"phase":"end"}}}')
        gateway.send('{"type":"event","event":"cron","seq":400,"payload":{"jobId":7}}')
        gateway.send('{"type":"res","id":"nobody asked","ok":true}')
        yield* idle
      }).pipe(hasted)
    )

    it.scopedLive("says once that the token is wrong, and does not try it again", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        gateway.answers.connect = refusal({ code: "AUTH_TOKEN_MISMATCH", authReason: "token_mismatch" })
        const lines: Array<string> = []
        const log = Logger.make(({ message }) => lines.push(String(message)))
        const { activity, jobs, unknown } = yield* watched(gateway).pipe(
          Effect.provide(Logger.replace(Logger.defaultLogger, log))
        )
        yield* unknown(/refuses the token \(AUTH_TOKEN_MISMATCH\): provide the right one/)
        // Longer than it ever waits for another try.
        yield* Effect.sleep("25 seconds")
        assert.strictEqual(gateway.connections(), 1)
        assert.include((yield* Effect.flip(jobs)).detail, "refuses the token")
        const said = JSON.stringify([yield* activity.all, lines])
        assert.notInclude(said, TOKEN)
      }).pipe(hasted)
    )

    it.scopedLive("is unknown without a gateway, and connects when there is one", () =>
      Effect.gen(function* () {
        const port = yield* Effect.async<number>((resume) => {
          const server = createServer().listen(0, "127.0.0.1", () => {
            // A server on TCP has such an address.
            const { port } = server.address() as AddressInfo
            server.close(() => resume(Effect.succeed(port)))
          })
        })
        const { unknown } = yield* watched({ url: `ws://user:password@127.0.0.1:${port}/?token=${TOKEN}` })
        const all = yield* unknown(/no connection to 127\.0\.0\.1/)
        assert.notMatch(JSON.stringify(all), /password|token=/)
      })
    )

    it.scopedLive("leaves no connection when its layer is closed", () =>
      Effect.gen(function* () {
        const gateway = yield* makeGateway
        const scope = yield* Scope.make()
        const { activity, jobs } = yield* Scope.extend(adapterOf({ url: gateway.url }), scope)
        const told = yield* heard(activity)
        yield* told.until((all) => isIdle(all.at(-1)))
        yield* Scope.close(scope, Exit.void)
        yield* told.until((all) => reasonOf(all.at(-1)).includes("is closed"))
        assert.include((yield* Effect.flip(jobs)).detail, "is closed")
        yield* Effect.repeat(Effect.sleep("1 second"), { until: () => gateway.open() === 0 })
      }).pipe(hasted)
    )

    it.effect("refuses options that do not fit, and does not show them", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          Effect.scoped(adapterOf({ url: `http://x/${TOKEN}`, idleInterval: "10 millis", busyInterval: "2 hours" }))
        )
        assert.deepStrictEqual(
          error.issues.map(({ key }) => key),
          ["url", "idleInterval", "busyInterval"]
        )
        assert.include(
          error.message,
          'url (OpenClawGateway.layer): expected a URL with ws: or wss:, such as "ws://127.0.0.1:18789"'
        )
        assert.notInclude(error.message, TOKEN)
      })
    )
  })
})
