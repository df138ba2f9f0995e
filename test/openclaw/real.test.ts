/**
 * The real OpenClaw CLI, with a stand-in for the provider of its model. It takes 8-16 s and about 1 GB a turn, so that it
 * is only run where it is asked for:
 *
 *     OPENCLAW_BIN=/path/to/openclaw npm run test:openclaw
 */
import { readdirSync, readFileSync } from "node:fs"
import { Command, FileSystem, Path } from "@effect/platform"
import { NodeContext, NodeSocket } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Queue, Redacted, Schedule, Stream } from "effect"
import { type Evidence, HealingConfig, HealingStore, Reviewer, Supervisor } from "effect-healing"
import { OpenClawGateway, type OpenClawOptions, OpenClawRateLimited, OpenClawReviewer } from "effect-healing/openclaw"
import { WebSocket } from "ws"
import * as Channels from "../../src/notify/Channels.js"
import * as Notice from "../../src/notify/Notice.js"
import { nothing } from "../support/gatherEvidence.js"
import { heard } from "../support/heard.js"
import { makeReceiver, type Received, type Reply } from "../support/receiver.js"
import { type Behaviour, makeProvider, modelsOf } from "./makeProvider.js"
import { answer, digest, suggestion, wanted } from "./reviewWorld.js"

const { OPENCLAW_BIN } = process.env

// The tests must not see the OpenClaw of the person who runs them: its configuration, its state and its profile.
for (const name of Object.keys(process.env)) if (name.startsWith("OPENCLAW_")) delete process.env[name]

/** A user who lets every agent do everything. */
const userConfig = (provider: string, folder: string) => ({
  agents: {
    ownership: "explicit",
    defaults: { workspace: folder, skipBootstrap: true, model: { primary: "mock/mock-1" } },
    entries: {
      main: {
        tools: { profile: "full", alsoAllow: ["exec", "write"], fs: { workspaceOnly: false }, exec: { mode: "full" } }
      },
      work: {}
    }
  },
  bindings: [{ agentId: "work", match: { channel: "telegram" } }],
  tools: { allow: ["exec", "write", "edit"], fs: { workspaceOnly: false } },
  models: modelsOf(provider, "key-of-the-user"),
  update: { checkOnStart: false }
})

const makeRealWorld = (
  behaviour: Behaviour | ((home: string) => Behaviour),
  world: { readonly options?: (folder: string) => OpenClawOptions; readonly evidence?: Partial<Evidence> } = {}
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const home = yield* fs.makeTempDirectoryScoped({ prefix: "openclaw-home-" })
    const folder = path.join(home, "work")
    yield* fs.makeDirectory(folder)
    yield* fs.writeFileString(path.join(folder, "inside.txt"), "the inside")
    yield* fs.writeFileString(path.join(home, "outside.txt"), "the outside")
    const provider = yield* makeProvider(typeof behaviour === "function" ? behaviour(home) : behaviour)
    yield* fs.makeDirectory(path.join(home, ".openclaw"))
    const config = JSON.stringify(userConfig(provider.url, folder))
    // As one who keeps his configurations together has it.
    yield* fs.makeDirectory(path.join(home, "dotfiles"))
    yield* fs.writeFileString(path.join(home, "dotfiles", "openclaw.json"), config)
    yield* fs.symlink(path.join(home, "dotfiles", "openclaw.json"), path.join(home, ".openclaw", "openclaw.json"))
    const command = path.join(home, "openclaw")
    yield* fs.writeFileString(
      command,
      // It says nothing where it is tested itself, which it takes these variables for.
      `#!/bin/sh\nunset VITEST NODE_ENV\necho "$TMPDIR" >> '${home}/tmp.txt'\nHOME='${home}' DO_NOT_TRACK=1 OPENCLAW_DISABLE_BONJOUR=1 exec '${OPENCLAW_BIN}' "$@"\n`,
      { mode: 0o755 }
    )
    const ReviewerLive = OpenClawReviewer.layer({ command, ...world.options?.(folder) }).pipe(
      Layer.provide(HealingStore.layerMemory),
      Layer.provide(
        Layer.succeed(Supervisor, {
          jobs: Effect.succeed([digest]),
          activity: Stream.never,
          events: Stream.never,
          runs: Stream.never,
          evidence: () => Effect.succeed({ ...nothing, ...world.evidence })
        })
      ),
      Layer.provide(HealingConfig.layer()),
      Layer.provide(NodeContext.layer)
    )
    const { review } = yield* Effect.provide(Reviewer, ReviewerLive)
    /** Which of the folders are left that it was given for its temporary files. */
    const left = Effect.gen(function* () {
      const folders = (yield* fs.readFileString(path.join(home, "tmp.txt"))).trimEnd().split("\n")
      return yield* Effect.filter(folders, (folder) => fs.exists(path.dirname(folder)))
    })
    const exists = (name: string) => fs.exists(path.join(home, name))
    /** Processes that still have the user's home in their environments. */
    const alive = Effect.sync(() =>
      readdirSync("/proc").filter((pid) => {
        try {
          return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`HOME=${home}\0`)
        } catch {
          return false
        }
      })
    )
    const savedConfig = fs.readFileString(path.join(home, ".openclaw", "openclaw.json"))
    return {
      asked: Queue.takeAll(provider.asked),
      firstAsked: Queue.take(provider.asked),
      review: review(wanted()),
      left,
      alive,
      exists,
      config,
      savedConfig
    }
  })

/** What it would do if it could. */
const mischief = (home: string): Behaviour => ({
  calls: [
    { name: "write", args: { path: `${home}/written.txt`, content: "written" } },
    { name: "exec", args: { command: `touch ${home}/executed.txt` } },
    { name: "apply_patch", args: { input: "*** Begin Patch\n*** Add File: patched.txt\n+patched\n*** End Patch" } },
    { name: "edit", args: { path: "inside.txt", edits: [{ oldText: "inside", newText: "edited" }] } },
    { name: "process", args: { action: "list" } },
    { name: "read", args: { path: "inside.txt" } },
    { name: "read", args: { path: "../outside.txt" } },
    { name: "read", args: { path: "/etc/passwd" } },
    { name: "tool_call", args: { id: "exec", args: { command: `touch ${home}/executed.txt` } } }
  ],
  text: answer()
})

const tests = describe.skipIf(OPENCLAW_BIN === undefined)

tests("the real OpenClaw CLI", () => {
  it.scopedLive("answers with a report, by the provider of the user", () =>
    Effect.gen(function* () {
      const text = answer({ suggestions: [suggestion()] })
      const { alive, asked, config, left, review, savedConfig } = yield* makeRealWorld({ calls: [], text })
      const reviewed = yield* review
      assert.propertyVal(reviewed, "_tag", "Completed")
      if (reviewed._tag === "Completed") {
        assert.strictEqual(reviewed.report.summary, "The disk was full.")
        assert.strictEqual(reviewed.report.model, "mock/mock-1")
        assert.deepInclude(reviewed.report.tokens, { input: 111, output: 7, total: 118 })
        assert.lengthOf(reviewed.report.suggestions ?? [], 1)
      }
      assert.deepStrictEqual(Array.from(yield* asked), [
        { tools: [], results: [], authorization: "Bearer key-of-the-user" }
      ])
      assert.deepStrictEqual(yield* left, [])
      assert.deepStrictEqual(yield* alive, [])
      assert.strictEqual(yield* savedConfig, config)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("has no tools, whatever the user allows", () =>
    Effect.gen(function* () {
      const { asked, exists, review } = yield* makeRealWorld(mischief)
      yield* review
      const requests = Array.from(yield* asked)
      for (const { tools } of requests) assert.deepStrictEqual(tools, [])
      const results = requests.at(-1)?.results ?? []
      console.log(results.join("\n"))
      assert.lengthOf(results, 9)
      for (const result of results) assert.match(result, /not found/)
      for (const name of ["written.txt", "executed.txt", "work/patched.txt"]) assert.isFalse(yield* exists(name), name)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("may read in its working folder, and nothing else", () =>
    Effect.gen(function* () {
      const { asked, exists, review } = yield* makeRealWorld(mischief, {
        options: (workingFolder) => ({ workingFolder })
      })
      yield* review
      const requests = Array.from(yield* asked)
      for (const { tools } of requests) assert.deepStrictEqual(tools, ["read"])
      const results = requests.at(-1)?.results ?? []
      console.log(results.join("\n"))
      assert.lengthOf(results, 9)
      assert.include(results[5], "the inside")
      assert.match(results[6] ?? "", /escapes/)
      assert.match(results[7] ?? "", /escapes/)
      for (const index of [0, 1, 2, 3, 4, 8]) assert.match(results[index] ?? "", /not found/)
      for (const name of ["written.txt", "executed.txt", "work/patched.txt"]) assert.isFalse(yield* exists(name), name)
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("is stopped when the provider limits the rate of requests", () =>
    Effect.gen(function* () {
      const { alive, asked, left, review } = yield* makeRealWorld({ retryAfter: 3600 })
      const error = yield* Effect.flip(review)
      assert.strictEqual(error.retry._tag, "RateLimited")
      assert.instanceOf(error.cause, OpenClawRateLimited)
      if (error.cause instanceof OpenClawRateLimited) assert.isDefined(error.cause.until)
      assert.lengthOf(Array.from(yield* asked), 1)
      assert.deepStrictEqual(yield* left, [])
      assert.deepStrictEqual(yield* alive, [])
    }).pipe(Effect.provide(NodeContext.layer))
  )

  it.scopedLive("leaves nothing when it is interrupted", () =>
    Effect.gen(function* () {
      const { alive, firstAsked, left, review } = yield* makeRealWorld("hang")
      const fiber = yield* Effect.fork(review)
      yield* Effect.raceFirst(firstAsked, Fiber.join(fiber))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* left, [])
      assert.deepStrictEqual(yield* alive, [])
    }).pipe(Effect.provide(NodeContext.layer))
  )
})

/** Answers as Telegram's Bot API does. */
const telegram = ({ path }: Received): Reply => {
  const ok = (result: unknown) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ok: true, result })
  })
  const chat = { id: 777, type: "private", first_name: "Anna" }
  if (path.includes("/getUpdates")) return "hangs"
  if (path.includes("/getMe")) return ok({ id: 42, is_bot: true, first_name: "Bot", username: "a_bot" })
  if (path.includes("/getChat")) return ok(chat)
  return path.includes("/send") ? ok({ message_id: 7, date: 1_763_900_000, chat, text: "x" }) : ok(true)
}

describe.runIf(OPENCLAW_BIN !== undefined)("a channel of the real OpenClaw", () => {
  it.scopedLive(
    "is told by its gateway once, and is out of reach without one",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const receiver = yield* makeReceiver
        receiver.reply = telegram
        const home = yield* fs.makeTempDirectoryScoped({ prefix: "openclaw-home-" })
        yield* fs.makeDirectory(path.join(home, ".openclaw"))
        const port = 20_000 + (process.pid % 20_000)
        const { models, update } = userConfig("http://127.0.0.1:1/v1", home)
        const config = {
          models,
          update,
          agents: {
            defaults: {
              workspace: home,
              skipBootstrap: true,
              model: { primary: "mock/mock-1" },
              heartbeat: { every: "0m" }
            }
          },
          gateway: {
            mode: "local",
            port,
            bind: "loopback",
            auth: { mode: "token", token: "0123456789abcdef".repeat(2) }
          },
          channels: {
            telegram: {
              enabled: true,
              botToken: "42:FAKETOKENFAKETOKENFAKETOKEN",
              apiRoot: receiver.url,
              dmPolicy: "allowlist",
              allowFrom: ["777"]
            }
          }
        }
        yield* fs.writeFileString(path.join(home, ".openclaw", "openclaw.json"), JSON.stringify(config))
        const command = path.join(home, "openclaw")
        yield* fs.writeFileString(
          command,
          `#!/bin/sh\nunset VITEST NODE_ENV\nHOME='${home}' DO_NOT_TRACK=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_NO_RESPAWN=1 exec '${OPENCLAW_BIN}' "$@"\n`,
          { mode: 0o755 }
        )
        const settings = {
          notify: { channels: { chat: { type: "openclaw", channel: "telegram", target: "777", command } } }
        } as const
        const [channel] = yield* Effect.flatMap(HealingConfig, ({ notify }) => Channels.make(notify.channels)).pipe(
          Effect.provide(HealingConfig.layer(settings))
        )
        if (channel === undefined) return
        const notice = Notice.make(
          { at: 1, kind: "JobFailing", severity: "low", job: "digest", title: "digest fails", todo: "Look at its log" },
          "notice-7"
        )
        const away = yield* Effect.flip(channel.send(notice))
        assert.match(away.detail, /Gateway not reachable/)
        yield* Command.start(Command.make(command, "gateway"))
        yield* channel.send(notice).pipe(Effect.retry({ schedule: Schedule.spaced("2 seconds"), times: 60 }))
        yield* channel.send(notice)
        const sent = receiver.received.filter(({ path }) => path.includes("/sendMessage"))
        assert.strictEqual(sent.length, 1, "the gateway knows it by its id")
        assert.include(sent[0]?.body, "digest fails")
      }).pipe(Effect.provide(NodeContext.layer)),
    600_000
  )
})

/** A client of the gateway that may do everything, and does what a person would. */
const drive = (url: string, token: string) =>
  Effect.acquireRelease(
    Effect.async<{ readonly ask: (method: string, params: object) => Promise<unknown>; readonly close: () => void }>(
      (resume) => {
        const socket = new WebSocket(url)
        const waiting = new Map<string, (payload: unknown) => void>()
        const ask = (method: string, params: object) =>
          new Promise((answered) => {
            const id = `${method}-${waiting.size}`
            waiting.set(id, answered)
            socket.send(JSON.stringify({ type: "req", id, method, params }))
          })
        socket.on("message", async (data) => {
          const frame = JSON.parse(String(data))
          if (frame.type === "res") waiting.get(frame.id)?.(frame.payload)
          if (frame.event !== "connect.challenge") return
          const client = { id: "gateway-client", version: "0.1.0", platform: "linux", mode: "backend" }
          const scopes = ["operator.read", "operator.write", "operator.admin"]
          await ask("connect", {
            minProtocol: 4,
            maxProtocol: 4,
            client,
            role: "operator",
            scopes,
            caps: [],
            auth: { token }
          })
          resume(Effect.succeed({ ask, close: () => socket.close() }))
        })
      }
    ),
    ({ close }) => Effect.sync(close)
  )

describe.runIf(OPENCLAW_BIN !== undefined)("the real gateway of OpenClaw", () => {
  it.scopedLive(
    "is seen to work and to rest, tells of its cron jobs, and does not see reviews",
    () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        const provider = yield* makeProvider({ calls: [], text: answer() })
        const home = yield* fs.makeTempDirectoryScoped({ prefix: "openclaw-home-" })
        yield* fs.makeDirectory(path.join(home, ".openclaw"))
        const port = 20_000 + ((process.pid + 7) % 20_000)
        const token = "0123456789abcdef".repeat(2)
        const { models, update } = userConfig(provider.url, home)
        const defaults = {
          workspace: home,
          skipBootstrap: true,
          model: { primary: "mock/mock-1" },
          heartbeat: { every: "0m" }
        }
        const gateway = { mode: "local", port, bind: "loopback", auth: { mode: "token", token } }
        yield* fs.writeFileString(
          path.join(home, ".openclaw", "openclaw.json"),
          JSON.stringify({ models, update, agents: { defaults }, gateway })
        )
        const command = path.join(home, "openclaw")
        yield* fs.writeFileString(
          command,
          `#!/bin/sh\nunset VITEST NODE_ENV\nHOME='${home}' DO_NOT_TRACK=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_NO_RESPAWN=1 OPENCLAW_SKIP_CHANNELS=1 exec '${OPENCLAW_BIN}' "$@"\n`,
          { mode: 0o755 }
        )
        yield* Command.start(Command.make(command, "gateway"))
        const url = `ws://127.0.0.1:${port}`
        const context = yield* Layer.build(
          OpenClawGateway.layer({ url, token: Redacted.make(token) }).pipe(
            Layer.provide(NodeSocket.layerWebSocketConstructor)
          )
        )
        const supervisor = Context.get(context, Supervisor)
        const activity = yield* heard(supervisor.activity)
        const events = yield* heard(supervisor.events)
        const runs = yield* heard(supervisor.runs)
        const rests = activity.until((all) => {
          const last = all.at(-1)
          return last?._tag === "Known" && last.running.length === 0
        })
        const unknown = (yield* rests).filter(({ _tag }) => _tag === "Unknown")
        console.log(unknown.map((one) => (one._tag === "Unknown" ? one.reason : "")).join("\n"))
        const person = yield* drive(url, token)
        const ask = (method: string, params: object) => Effect.promise(() => person.ask(method, params))
        const cron = (name: string, payload: object) =>
          Effect.gen(function* () {
            const schedule = { kind: "every", everyMs: 86_400_000 }
            const job = {
              name,
              enabled: true,
              schedule,
              sessionTarget: "isolated",
              wakeMode: "now",
              payload,
              delivery: { mode: "none" }
            }
            const added = yield* ask("cron.add", job)
            const id = typeof added === "object" && added !== null && "id" in added ? added.id : ""
            yield* ask("cron.run", { id, mode: "force" })
          })
        yield* cron("broken", { kind: "command", argv: ["sh", "-c", "echo no space >&2; sleep 1; exit 3"] })
        yield* events.until((all) => all.length > 0)
        yield* rests
        yield* cron("fine", { kind: "agentTurn", message: "Sort the inbox." })
        yield* runs.until((all) => all.some((run) => run._tag === "Ended" && run.outcome === "succeeded"))
        yield* rests
        const named = (yield* activity.all).flatMap((one) => (one._tag === "Known" ? one.running : []))
        assert.includeMembers(named, ["openclaw cron: broken", "openclaw cron: fine"])
        const jobs = yield* supervisor.jobs
        const broken = jobs.find(({ id }) => id === "openclaw cron: broken") ?? assert.fail("it is not listed")
        const evidence = yield* supervisor.evidence(broken, { _tag: "Since", since: 0, runId: null, limit: 5 })
        console.log(JSON.stringify(evidence, null, 2))
        assert.deepStrictEqual(
          evidence.runs.map(({ outcome }) => outcome),
          ["failed"]
        )
        assert.isNotEmpty(evidence.logs)

        // Reviews run beside it: nothing has to be subtracted.
        const before = (yield* activity.all).length
        const ReviewerLive = OpenClawReviewer.layer({ command }).pipe(
          Layer.provide([
            HealingStore.layerMemory,
            HealingConfig.layer(),
            Layer.succeed(Supervisor, {
              ...supervisor,
              jobs: Effect.succeed([digest]),
              evidence: () => Effect.succeed(nothing)
            })
          ]),
          Layer.provide(NodeContext.layer)
        )
        const reviewed = yield* Effect.provide(
          Effect.flatMap(Reviewer, ({ review }) => review(wanted())),
          ReviewerLive
        )
        assert.propertyVal(reviewed, "_tag", "Completed")
        assert.deepStrictEqual((yield* activity.all).slice(before), [])
      }).pipe(Effect.provide(NodeContext.layer)),
    600_000
  )
})
