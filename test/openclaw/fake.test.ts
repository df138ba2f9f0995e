import { spawn } from "node:child_process"
import { FileSystem, Path } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, Schema, type Scope } from "effect"
import { makeFake, type Scenario, type Turn } from "./makeFake.js"

const scoped = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(test(), NodeContext.layer))

const tempFolder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

interface Options {
  readonly stdin?: string | Uint8Array
  readonly env?: Record<string, string>
}

type Fake = Effect.Effect.Success<ReturnType<typeof makeFake>>

/** In a process group of its own. */
const start = (fake: Fake, args: ReadonlyArray<string>, { env = {}, stdin = "" }: Options = {}) =>
  Effect.sync(() => {
    const child = spawn(fake.command, args, { detached: true, env: { ...process.env, TMPDIR: fake.folder, ...env } })
    const stdout: Array<Buffer> = []
    const stderr: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
    child.stdin.on("error", () => {})
    child.stdin.end(stdin)
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
    const closed = new Promise<{
      code: number | null
      signal: NodeJS.Signals | null
      stdout: Buffer
      out: string
      err: string
    }>((resolve) =>
      child.once("close", (code, signal) => {
        const all = Buffer.concat(stdout)
        resolve({ code, signal, stdout: all, out: String(all), err: String(Buffer.concat(stderr)) })
      })
    )
    return {
      child,
      exited: Effect.promise(() => exited),
      closed: Effect.promise(() => closed),
      killGroup: (signal: NodeJS.Signals) => Effect.sync(() => process.kill(-Number(child.pid), signal))
    }
  })

const run = (fake: Fake, args: ReadonlyArray<string>, options?: Options) =>
  Effect.flatMap(start(fake, args, options), ({ closed }) => closed)

const Json = Schema.decode(Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Any })))

const EXEC = ["agent", "exec", "--json", "--message-file", "-"]
const LOCAL = ["agent", "--local", "--json", "--session-id", "s1", "--message", "hi"]
const GATEWAY = ["agent", "--json", "--agent", "main", "--message", "hi"]

const withTurns = (...turns: ReadonlyArray<Turn>) => makeFake({ generation: "exec", turns })

const old = (generation: Scenario["generation"]) => makeFake({ generation })

describe("help and version", () => {
  scoped("tell the generations apart", () =>
    Effect.gen(function* () {
      const [exec, file, message] = yield* Effect.all([old("exec"), old("message-file"), old("message")])
      assert.strictEqual((yield* run(exec, ["--version"])).out, "OpenClaw 2026.9.6 (eb377ac)\n")
      assert.strictEqual((yield* run(file, ["-V"])).out, "OpenClaw 2026.7.1 (2d2ddc4)\n")
      const help = yield* run(exec, ["agent", "exec", "--help"])
      assert.strictEqual(help.code, 0)
      assert.include(help.out, "Usage: openclaw agent exec [options] [message]")
      assert.include((yield* run(exec, ["agent", "--help"])).out, "Usage: openclaw agent [options] [command]")
      assert.include((yield* run(exec, ["--help"])).out, "Usage: openclaw [options] [command]")
      // The trap: it succeeds where there is no `exec`.
      const without = yield* run(file, ["agent", "exec", "--help"])
      assert.strictEqual(without.code, 0)
      assert.include(without.out, "Usage: openclaw agent [options]\n")
      assert.include(without.out, "--message-file <path>")
      assert.notInclude((yield* run(message, ["agent", "--help"])).out, "--message-file")
      assert.deepStrictEqual(
        (yield* exec.calls).map(({ kind }) => kind),
        ["version", "help", "help", "help"]
      )
    })
  )
})

describe("the envelope", () => {
  scoped("of an isolated turn", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ text: '{"a":1}' }, { payloads: ["one\n", "", "two"], usage: null })
      const first = yield* run(fake, EXEC, { stdin: "Look at it." })
      const envelope = yield* Json(first.out)
      assert.strictEqual(first.code, 0)
      assert.deepStrictEqual(Object.keys(envelope), [
        ...["ok", "status", "final", "payloads", "usage", "costUsd", "codeModeEngaged", "assistantTurns"],
        ...["bridgeCalls", "model", "provider", "sessionId"]
      ])
      assert.deepStrictEqual([envelope.ok, envelope.status, envelope.final], [true, "ok", '{"a":1}'])
      assert.deepStrictEqual(envelope.payloads, [{ text: '{"a":1}', mediaUrl: null }])
      assert.include(first.err, "ended with stopReason=stop")
      const second = yield* Json((yield* run(fake, EXEC, { stdin: "Again." })).out)
      assert.deepStrictEqual([second.final, "usage" in second], ["one\ntwo", false])
      const third = yield* run(fake, ["agent", "exec", "And again."])
      assert.strictEqual(third.out, "one\n\n\ntwo\n", "the last turn once more, as text")
      const prompts = (yield* fake.turnCalls).map(({ prompt }) => prompt)
      assert.deepStrictEqual(prompts, ["Look at it.", "Again.", "And again."])
    })
  )

  scoped("of a local turn and of one of the Gateway", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ text: "Hello" })
      const local = yield* Json((yield* run(fake, LOCAL)).out)
      assert.deepStrictEqual(Object.keys(local), ["payloads", "meta"])
      assert.includeMembers(Object.keys(local.meta), [
        ...["durationMs", "agentMeta", "aborted", "finalAssistantVisibleText", "stopReason", "executionTrace"],
        ...["requestShaping", "completion", "systemPromptReport", "livenessState", "replayInvalid", "finalPromptText"]
      ])
      assert.deepStrictEqual([local.meta.agentMeta.sessionId, local.meta.agentMeta.usage.total], ["s1", 118])
      const gateway = yield* Json((yield* run(fake, GATEWAY)).out)
      assert.deepStrictEqual(Object.keys(gateway), ["runId", "status", "summary", "result"])
      assert.deepStrictEqual(Object.keys(gateway.result), ["payloads", "meta", "sourceReplyDeliveryState"])
    })
  )

  scoped("of a failure", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ mode: "error", message: "No." })
      const exec = yield* run(fake, EXEC, { stdin: "hi" })
      const envelope = yield* Json(exec.out)
      assert.deepStrictEqual([exec.code, exec.err.trimEnd().split("\n").at(-1)], [1, "No."])
      assert.deepStrictEqual(
        { ...envelope, sessionId: "" },
        {
          ...{ ok: false, status: "error", final: "", payloads: [], model: null, provider: null, sessionId: "" },
          error: { message: "No.", kind: "exception" }
        }
      )
      const local = yield* run(fake, LOCAL)
      assert.deepStrictEqual(
        [local.code, yield* Json(local.out)],
        [1, { ok: false, error: { type: "cli_error", message: "No." } }]
      )
      assert.deepStrictEqual(Object.keys(yield* Json((yield* run(fake, GATEWAY)).out)), [
        ...["ok", "runId", "origin", "error"]
      ])
      const before = yield* makeFake({ generation: "message-file", turns: [{ mode: "error", message: "No." }] })
      const { code, err, out } = yield* run(before, LOCAL)
      assert.deepStrictEqual([code, out], [1, ""], "no JSON before there was `exec`")
      assert.include(err, "Error: No.")
    })
  )

  scoped("of a timeout", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ mode: "timeout" })
      const exec = yield* run(fake, EXEC, { stdin: "hi" })
      const envelope = yield* Json(exec.out)
      assert.deepStrictEqual(
        [exec.code, envelope.status, envelope.error.kind, envelope.payloads[0].isError, "usage" in envelope],
        [2, "timeout", "timeout", true, false]
      )
      const local = yield* run(fake, LOCAL)
      const { meta, payloads } = yield* Json(local.out)
      assert.deepStrictEqual(
        [local.code, meta.error.kind, meta.timeoutPhase, meta.modelFallbackStopReason, payloads[0].isError],
        [1, "incomplete_turn", "provider", "agent_run_terminal_timeout", true]
      )
    })
  )

  scoped("of a rate limit, told of ten times before", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ mode: "rateLimit", delayMs: 0, retryAfter: 20 })
      const { code, err, out } = yield* run(fake, EXEC, { stdin: "hi" })
      assert.deepStrictEqual([code, err.match(/status=429/g)?.length], [1, 10])
      assert.match((yield* Json(out)).error.message, /^⚠️ Rate limit reached .*; Retry-After: 20 seconds$/)
      const far = yield* withTurns({ mode: "rateLimit", delayMs: 0, retryAfter: 3600 })
      const late = yield* run(far, [...EXEC, "--timeout", "60"], { stdin: "hi" })
      assert.deepStrictEqual([late.code, late.err.match(/reason=rate_limit: delayMs=(\d+)/)?.[1]], [1, "3600000"])
      assert.include((yield* Json(late.out)).error.message, "no progress for 90000ms")
    })
  )
})

describe("arguments", () => {
  scoped("are refused as by the real one", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({})
      const folder = yield* tempFolder
      const fs = yield* FileSystem.FileSystem
      const tooBig = Buffer.alloc(4 * 1024 * 1024 + 1, "a")
      yield* fs.writeFile(`${folder}/big`, tooBig)
      yield* fs.writeFile(`${folder}/bad`, Uint8Array.of(0xff, 0xfe))
      const refused = Effect.fnUntraced(function* (args: ReadonlyArray<string>, message: string, stdin?: Uint8Array) {
        const { code, err, out } = yield* run(fake, args, stdin === undefined ? {} : { stdin })
        assert.deepStrictEqual([code, err.includes(message)], [1, true], `${args.join(" ")}: ${err}`)
        if (!args.includes("--json")) return assert.strictEqual(out, "")
        assert.include((yield* Json(out)).error.message, message)
      })
      yield* refused(["bogus"], 'OpenClaw does not know the command "bogus".')
      yield* refused(["agent", "bogus"], 'OpenClaw agent has no command "bogus".')
      yield* refused(["agent", "--bogus", "--json"], 'OpenClaw does not recognize option "--bogus".')
      yield* refused(["agent", "exec", "--json", "--bogus", "hi"], "Try: openclaw agent exec --help")
      yield* refused(["agent", "exec", "--json", "one", "two"], "Too many arguments for this command.")
      yield* refused(["agent", "exec", "--message-file"], "option '--message-file <path>' argument missing")
      yield* refused(["agent", "exec", "--json"], "Missing prompt.")
      yield* refused([...EXEC, "hi"], "Use either the prompt argument or --message-file, not both.")
      yield* refused(["agent", "exec", "--json", "--message-file", `${folder}/none`], "Message file not found: ")
      yield* refused(["agent", "exec", "--json", "--message-file", `${folder}/big`], "exceeds 4194304 bytes")
      yield* refused(["agent", "exec", "--json", "--message-file", `${folder}/bad`], "must be valid UTF-8")
      yield* refused(EXEC, "stdin is empty")
      yield* refused(EXEC, "stdin exceeds 4194304 bytes", tooBig)
      yield* refused(EXEC, "stdin must be valid UTF-8", Uint8Array.of(0xff))
      yield* refused([...EXEC, "--timeout", "1.5"], "--timeout must be a non-negative integer in seconds.")
      yield* refused([...EXEC, "--config", `${folder}/none`], "--config file not found: ", Buffer.from("hi"))
      for (const other of ["--isolated", "--auth-env-only"]) {
        const args = [...EXEC, "--config", `${folder}/none`, other]
        yield* refused(args, `--config cannot be combined with ${other}.`, Buffer.from("hi"))
      }
      yield* refused([...EXEC, "--cwd", `${folder}/none`], "Working directory does not exist: ", Buffer.from("hi"))
      yield* refused(["agent", "--json", "--agent", "main"], "Missing message.")
      yield* refused(["agent", "--json", "--agent", "main", "--message-file", "-"], "Message file not found: -")
      yield* refused([...GATEWAY, "--session-key", " "], "--session-key must not be blank")
      assert.deepStrictEqual(yield* fake.turnCalls, [])
    })
  )

  scoped("of later generations are unknown to earlier ones", () =>
    Effect.gen(function* () {
      const [file, message] = yield* Effect.all([old("message-file"), old("message")])
      const none = yield* run(file, EXEC, { stdin: "hi" })
      assert.deepStrictEqual([none.code, none.out], [1, ""])
      assert.include(none.err, "Too many arguments for this command.")
      const noFile = yield* run(message, ["agent", "--json", "--session-id", "s", "--message-file", "x"])
      assert.deepStrictEqual([noFile.code, noFile.out], [1, ""])
      assert.strictEqual((yield* run(message, LOCAL)).code, 0)
    })
  )
})

describe("what is recorded", () => {
  scoped("the prompt, the environment, and the configuration with its modes and all it includes", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const fake = yield* withTurns({})
      const [ours, theirs] = yield* Effect.all([tempFolder, tempFolder])
      const write = (file: string, content: object) =>
        fs.writeFileString(file, JSON.stringify(content), { mode: 0o600 })
      const users = path.join(theirs, "openclaw.json")
      const main = path.join(ours, "main.json")
      yield* write(users, { tools: { allow: ["exec"] }, models: { mode: "merge" } })
      yield* write(path.join(ours, "base.json"), { $include: users, tools: null })
      yield* write(main, { $include: "./base.json", tools: { deny: ["*"] } })
      yield* fs.writeFileString(path.join(ours, "prompt"), "\ufeffLook.", { mode: 0o640 })
      const args = ["agent", "exec", "--json", "--message-file", path.join(ours, "prompt"), "--config", main]
      const refused = yield* run(fake, args)
      assert.include(refused.err, "Include path escapes config directory")
      const env = { OPENCLAW_INCLUDE_ROOTS: theirs, TMPDIR: ours, UNKNOWN_ELSE: "secret" }
      assert.strictEqual((yield* run(fake, args, { env })).code, 0)
      const call = (yield* fake.turnCalls)[0]
      assert.deepStrictEqual(call?.argv, args)
      assert.strictEqual(call?.prompt, "Look.")
      assert.deepStrictEqual([call?.promptFileMode, call?.configMode, call?.configFolderMode], [0o640, 0o600, 0o700])
      assert.deepStrictEqual(call?.config, { $include: "./base.json", tools: { deny: ["*"] } })
      assert.deepStrictEqual(call?.resolvedConfig, { tools: { deny: ["*"] }, models: { mode: "merge" } })
      assert.include(call?.env, { OPENCLAW_INCLUDE_ROOTS: theirs, TMPDIR: ours })
      assert.isTrue(call?.envNames.includes("UNKNOWN_ELSE"))
      assert.notInclude(JSON.stringify(call), "secret")
      const left = (yield* fs.readDirectory(ours)).filter((name) => name.startsWith("openclaw-agent-exec-"))
      assert.deepStrictEqual(left, [], "an end of its own leaves no state")
    })
  )
})

describe("the configuration of the user", () => {
  scoped("is told of", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const fake = yield* withTurns({})
      const file = `${yield* tempFolder}/openclaw.json`
      const env = { OPENCLAW_CONFIG_PATH: file }
      const config = (...args: ReadonlyArray<string>) => run(fake, ["config", ...args, "--json"], { env })
      assert.deepStrictEqual(yield* Json((yield* config("file")).out), { path: file })
      const unset = yield* config("get", "agents.defaults.model")
      assert.deepStrictEqual([unset.code, (yield* Json(unset.out)).error.type], [1, "cli_error"])
      yield* fs.writeFileString(file, JSON.stringify({ agents: { defaults: { model: { primary: "mock/mock-1" } } } }))
      const { code, out } = yield* config("get", "agents.defaults.model")
      assert.deepStrictEqual([code, yield* Json(out)], [0, { primary: "mock/mock-1" }])
    })
  )
})

describe("signals", () => {
  scoped("end a turn at once, which says nothing and leaves its state", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ mode: "hang" }, { mode: "rateLimit" })
      const folder = yield* tempFolder
      const env = { TMPDIR: folder }
      const hanging = yield* start(fake, EXEC, { stdin: "hi", env })
      const { pid } = yield* fake.ready(1)
      assert.deepStrictEqual(yield* fake.alive, [pid])
      yield* hanging.killGroup("SIGTERM")
      assert.deepInclude(yield* hanging.closed, { code: 143, signal: null, out: "", err: "" })
      const limited = yield* start(fake, EXEC, { stdin: "hi", env })
      yield* fake.ready(2)
      yield* limited.killGroup("SIGINT")
      const { code, err } = yield* limited.closed
      assert.deepStrictEqual([code, /retry 1\/9/.test(err)], [130, true])
      assert.deepStrictEqual(yield* fake.alive, [])
      const left = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readDirectory(folder))
      assert.strictEqual(left.filter((name) => name.startsWith("openclaw-agent-exec-")).length, 2)
    })
  )

  scoped("do not end one that ignores them, save SIGKILL", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ mode: "ignoreTerm" })
      const { closed, killGroup } = yield* start(fake, EXEC, { stdin: "hi" })
      const { pid } = yield* fake.ready(1)
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) yield* killGroup(signal)
      assert.deepStrictEqual(yield* fake.alive, [pid])
      yield* killGroup("SIGKILL")
      assert.deepInclude(yield* closed, { code: null, signal: "SIGKILL", out: "" })
    })
  )

  scoped("reach the children with the group", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ mode: "fork" })
      const { closed, exited, child, killGroup } = yield* start(fake, EXEC, { stdin: "hi" })
      const { children, pid } = yield* fake.ready(1)
      assert.deepStrictEqual([yield* fake.alive, children.length], [[pid, ...children], 3])
      child.kill("SIGKILL")
      yield* exited
      assert.deepStrictEqual(yield* fake.alive, children, "who kills only the one leaves the others")
      yield* killGroup("SIGKILL")
      yield* closed
      assert.deepStrictEqual(yield* fake.alive, [])
    })
  )

  scoped("are needed for those whom an answer leaves behind", () =>
    Effect.gen(function* () {
      const fake = yield* withTurns({ mode: "forkAndAnswer" })
      const { closed, exited, killGroup } = yield* start(fake, EXEC, { stdin: "hi" })
      assert.strictEqual(yield* exited, 0)
      // They may be slower to begin than the answer is to come.
      yield* Effect.repeat(fake.alive, { until: (alive) => alive.length === 3, schedule: Schedule.spaced("10 millis") })
      yield* killGroup("SIGKILL")
      assert.strictEqual((yield* Json((yield* closed).out)).ok, true)
      assert.deepStrictEqual(yield* fake.alive, [])
    })
  )
})

describe("an unusable answer", () => {
  const answered = (turn: Turn) =>
    Effect.flatMap(withTurns({ text: "Hello", ...turn }), (fake) => run(fake, EXEC, { stdin: "hi" }))

  scoped("comes in many forms", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* answered({ mode: "garbage" })).stdout.length, 4096)
      assert.deepInclude(yield* answered({ mode: "nothing" }), { code: 0, out: "" })
      assert.deepInclude(yield* answered({ mode: "notJson" }), { code: 0, out: "Hello\n" })
      const { stdout } = yield* answered({ mode: "invalidUtf8" })
      assert.isTrue(stdout.includes(Buffer.of(0xff, 0xfe)))
      const half = (yield* answered({ mode: "half" })).out
      assert.match(half, /^\{\n {2}"ok": true/)
      assert.isTrue((yield* Effect.either(Json(half)))._tag === "Left")
      const { out } = yield* answered({ mode: "noise" })
      const inside = out.slice(out.indexOf("{\n"), out.lastIndexOf("}\n") + 2)
      assert.strictEqual((yield* Json(inside)).final, "Hello")
      assert.strictEqual((yield* answered({ mode: "crash", exit: 7 })).code, 7)
      assert.strictEqual((yield* answered({ mode: "crash", signal: "SIGSEGV" })).signal, "SIGSEGV")
    })
  )

  scoped("may be huge", () =>
    Effect.gen(function* () {
      const huge = yield* answered({ mode: "huge", bytes: 3_000_000 })
      assert.deepStrictEqual([huge.code, (yield* Json(huge.out)).final.length], [0, 3_000_000])
      const { code, err, out } = yield* answered({ mode: "hugeStderr", bytes: 3_000_000 })
      assert.deepStrictEqual([code, err.length > 3_000_000, (yield* Json(out)).final], [0, true, "Hello"])
    })
  )
})
