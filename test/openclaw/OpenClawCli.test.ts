import * as NodeFs from "node:fs"
import { tmpdir } from "node:os"
import { relative } from "node:path"
import { FileSystem, Path } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import * as OpenClawCli from "../../src/openclaw/OpenClawCli.js"
import { type Call, makeFake, type Scenario, type Turn } from "./makeFake.js"

const scoped = <E>(name: string, test: () => Effect.Effect<unknown, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(test(), NodeContext.layer))

const NEVER = { end: Number.POSITIVE_INFINITY, killedAt: Number.POSITIVE_INFINITY }

const makeCli = (
  turns: ReadonlyArray<Turn> = [{}],
  options: OpenClawCli.OpenClawOptions = {},
  generation: Scenario["generation"] = "exec"
) =>
  Effect.gen(function* () {
    const fake = yield* makeFake({ generation, turns })
    const { ask, mayRead } = yield* OpenClawCli.make({ command: fake.command, model: "mock/mock-1", ...options })
    return { fake, mayRead, ask: (prompt = "Why?") => ask(prompt, NEVER) }
  })

type Fake = Effect.Effect.Success<ReturnType<typeof makeFake>>

const firstTurn = (fake: Fake) =>
  Effect.flatMap(fake.turnCalls, ([call]) =>
    call === undefined ? Effect.die("there was no turn") : Effect.succeed(call)
  )

const kindsOf = (fake: Fake) => Effect.map(fake.calls, (calls) => calls.map(({ kind }) => kind))

/** What stands behind the option. */
const optionOf = ({ argv }: Call, option: string) => argv[argv.lastIndexOf(option) + 1]

const rootOf = ({ env }: Call) => String(env.TMPDIR).replace(/\/tmp$/, "")

/** No process of it lives, and no folder of it is there. */
const leftNothing = (fake: Fake) =>
  Effect.gen(function* () {
    const calls = yield* fake.calls
    assert.isNotEmpty(calls)
    for (const call of calls) {
      assert.isTrue(rootOf(call).startsWith(`${tmpdir()}/effect-healing-`))
      assert.isFalse(NodeFs.existsSync(rootOf(call)))
    }
    assert.deepStrictEqual(yield* fake.alive, [])
  })

const writeScript = (script: string, mode = 0o755) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = (yield* Path.Path).join(yield* fs.makeTempDirectoryScoped(), "openclaw")
    yield* fs.writeFileString(path, script, { mode })
    return path
  })

describe.concurrent("an envelope on standard error", () => {
  scoped("is read where standard output has none, as older versions print it", () =>
    Effect.gen(function* () {
      const stderr = JSON.stringify({ payloads: [{ text: "Hello" }], meta: {} }, null, 2)
      const { ask } = yield* makeCli([{ mode: "nothing", stderr }])
      assert.strictEqual((yield* ask()).text, "Hello")
      const failed = yield* makeCli([
        { mode: "nothing", exit: 1, stderr: JSON.stringify({ ok: false, error: "HTTP 429" }) }
      ])
      assert.strictEqual((yield* Effect.flip(failed.ask()))._tag, "OpenClawRateLimited")
    })
  )
})

describe.concurrent("a question", () => {
  scoped("goes by a file that only its user can read, and never by the arguments", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeCli()
      yield* ask("Why did the job fail?")
      const call = yield* firstTurn(fake)
      assert.deepStrictEqual([call.prompt, call.promptFileMode], ["Why did the job fail?", 0o600])
      assert.notInclude(call.argv.join(" "), "Why did")
      assert.deepStrictEqual([call.configMode, call.configFolderMode], [0o600, 0o700])
      const root = rootOf(call)
      assert.deepStrictEqual(call.argv, [
        ...["agent", "exec", "--config", `${root}/main.json`, "--cwd", `${root}/work`, "--code-mode", "direct"],
        ...["--message-file", `${root}/prompt.md`, "--json", "--timeout", "86400", "--model", "mock/mock-1"]
      ])
      assert.deepStrictEqual([call.cwd, call.env.TMPDIR], [`${root}/work`, `${root}/tmp`])
      assert.include(call.env, {
        OPENCLAW_NO_RESPAWN: "1",
        OPENCLAW_NO_AUTO_UPDATE: "1",
        OPENCLAW_CONFIG_READONLY: "1"
      })
      yield* leftNothing(fake)
    })
  )

  scoped("D22: may be as long as a prompt can be", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeCli()
      const prompt = "12345678 ".repeat(190_000 / 9)
      assert.isAbove(prompt.length, 189_000)
      yield* ask(prompt)
      const call = yield* firstTurn(fake)
      assert.strictEqual(call.prompt, prompt)
      assert.isBelow(call.argv.join(" ").length, 1000)
    })
  )

  scoped("leaves nothing when it is interrupted, not even what a killed OpenClaw leaves in its folder", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeCli([{ mode: "hang" }])
      const fiber = yield* Effect.fork(ask())
      const call = yield* fake.ready(1)
      const leaked = NodeFs.readdirSync(String(call.env.TMPDIR))
      assert.isTrue(leaked.some((name) => name.startsWith("openclaw-agent-exec-")))
      for (const name of ["prompt.md", "main.json", "base.json"]) {
        assert.strictEqual(NodeFs.statSync(`${rootOf(call)}/${name}`).mode & 0o777, 0o600)
      }
      yield* Fiber.interrupt(fiber)
      yield* leftNothing(fake)
    })
  )

  scoped("leaves nothing when it fails", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeCli([{ mode: "error" }])
      yield* Effect.flip(ask())
      yield* leftNothing(fake)
    })
  )
})

describe.concurrent("the options", () => {
  scoped("are those of OpenClaw; further ones cannot undo the restriction", () =>
    Effect.gen(function* () {
      const options = {
        model: "mock/mock-1",
        thinking: "high",
        extraArgs: ["--fallback", "mock/mock-2", "--config", "/etc/hostname", "--cwd", "/"]
      }
      const { ask, fake, mayRead } = yield* makeCli([{}, {}, {}], options)
      yield* ask()
      const call = yield* firstTurn(fake)
      assert.deepStrictEqual(
        ["--model", "--thinking", "--fallback"].map((option) => optionOf(call, option)),
        ["mock/mock-1", "high", "mock/mock-2"]
      )
      assert.isFalse(mayRead)
      assert.strictEqual(optionOf(call, "--cwd"), `${rootOf(call)}/work`)
      assert.strictEqual(call.configFile, `${rootOf(call)}/main.json`)
      assert.deepNestedInclude(call.resolvedConfig, { "tools.deny": ["*"] })
    })
  )

  for (const extraArgs of [["--isolated"], ["--auth-env-only"], ["--"], ["--thinking"], ["--message-file"]]) {
    scoped(`${extraArgs} is refused rather than obeyed`, () =>
      Effect.gen(function* () {
        const { ask, fake } = yield* makeCli([{}], { extraArgs })
        assert.strictEqual((yield* Effect.flip(ask()))._tag, "OpenClawFailed")
        assert.deepStrictEqual(yield* fake.turnCalls, [])
      })
    )
  }

  scoped("let it read in a folder, and no more", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const workingFolder = yield* fs.realPath(yield* fs.makeTempDirectoryScoped())
      const { ask, fake, mayRead } = yield* makeCli([{}], { workingFolder })
      yield* ask()
      const call = yield* firstTurn(fake)
      assert.deepStrictEqual([mayRead, call.cwd, optionOf(call, "--cwd")], [true, workingFolder, workingFolder])
      assert.deepNestedInclude(call.resolvedConfig, { "tools.allow": ["read"], "tools.fs": { workspaceOnly: true } })
      assert.deepStrictEqual(yield* fs.readDirectory(workingFolder), [])
      assert.isTrue(yield* fs.exists(workingFolder))
      yield* leftNothing(fake)
    })
  )
})

describe.concurrent("the configuration of the user", () => {
  scoped("is kept with its providers, without its tools, servers, hooks and agents", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const fake = yield* makeFake({ generation: "exec", turns: [{}] })
      const folder = yield* fs.realPath(yield* fs.makeTempDirectoryScoped())
      // Where it seems to be, and where it is.
      const link = yield* fs.realPath(yield* fs.makeTempDirectoryScoped())
      const write = (name: string, content: object) =>
        fs.writeFileString(path.join(name === "providers.json" ? link : folder, name), JSON.stringify(content))
      yield* write("providers.json", { models: { providers: { mock: { apiKey: "k" } } }, tools: { allow: ["web"] } })
      yield* write("openclaw.json", {
        $include: "./providers.json",
        gateway: { port: 1 },
        tools: { allow: ["exec"], deny: ["nothing"], exec: { mode: "full" }, codeMode: true },
        mcp: { servers: { files: { command: "files" } } },
        hooks: { internal: { enabled: true } },
        bindings: [{ agentId: "other", match: { channel: "telegram" } }],
        agents: {
          defaults: {
            model: { primary: "best", fallbacks: ["mock/two"] },
            models: { "mock/one": { alias: "best", agentRuntime: { id: "codex" } } },
            tools: { allow: ["exec"] }
          },
          entries: { main: { tools: { allow: ["*"] } }, other: { tools: { allow: ["*"] } } }
        }
      })
      const users = path.join(link, "openclaw.json")
      yield* fs.symlink(path.join(folder, "openclaw.json"), users)
      const before = yield* fs.readFileString(users)
      const command = yield* writeScript(`#!/bin/sh\nOPENCLAW_CONFIG_PATH='${users}' exec '${fake.command}' "$@"\n`)
      const { ask } = yield* OpenClawCli.make({ command })
      yield* ask("Why?", NEVER)
      const call = yield* firstTurn(fake)
      const runtime = { agentRuntime: { id: "openclaw" } }
      assert.deepStrictEqual(call.resolvedConfig, {
        models: { providers: { mock: { apiKey: "k" } } },
        gateway: { port: 1 },
        tools: { deny: ["*"], fs: { workspaceOnly: true }, codeMode: false },
        mcp: { servers: {} },
        hooks: {},
        bindings: [],
        agents: {
          defaults: {
            model: { primary: "best", fallbacks: ["mock/two"] },
            models: { "mock/one": { alias: "best", ...runtime }, "mock/two": runtime, "mock/*": runtime }
          },
          entries: { main: {} }
        }
      })
      assert.strictEqual(call.env.OPENCLAW_INCLUDE_ROOTS, `${link}:${folder}`)
      assert.strictEqual(yield* fs.readFileString(users), before)
    })
  )

  scoped("must be told of", () =>
    Effect.gen(function* () {
      const help = "Usage: openclaw agent exec [options]"
      const command = yield* writeScript(
        `#!/bin/sh\ntest "$1" = agent && echo '${help}' && exit\necho no >&2; exit 4\n`
      )
      const { ask } = yield* OpenClawCli.make({ command })
      const error = yield* Effect.flip(ask("Why?", NEVER))
      assert.deepInclude(error, { _tag: "OpenClawFailed", exitCode: 4, stderr: "no" })
    })
  )
})

describe.concurrent("what the CLI can do", () => {
  scoped("is looked up once", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeCli()
      yield* Effect.all([ask(), ask()], { concurrency: 2 })
      const kinds = yield* kindsOf(fake)
      assert.deepStrictEqual([kinds.filter((kind) => kind === "help").length, (yield* fake.turnCalls).length], [1, 2])
    })
  )

  scoped("is not remembered of one that is not there", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { fake } = yield* makeCli()
      const command = `${fake.folder}/later`
      const { ask } = yield* OpenClawCli.make({ command, model: "mock/mock-1" })
      const error = yield* Effect.flip(ask("Why?", NEVER))
      assert.deepInclude(error, { _tag: "OpenClawNotFound", command })
      yield* fs.rename(fake.command, command)
      assert.strictEqual((yield* ask("Why?", NEVER)).text, "{}")
    })
  )

  scoped("is looked up where a path leads from here, not from where it starts", () =>
    Effect.gen(function* () {
      const { fake } = yield* makeCli()
      const command = relative(process.cwd(), fake.command)
      const { ask } = yield* OpenClawCli.make({ command, model: "mock/mock-1" })
      assert.strictEqual((yield* ask("Why?", NEVER)).text, "{}")
    })
  )

  scoped("is not told by one that itself misses a program", () =>
    Effect.gen(function* () {
      const { ask } = yield* OpenClawCli.make({ command: yield* writeScript("#!/usr/bin/env no-such-node\n") })
      assert.deepInclude(yield* Effect.flip(ask("Why?", NEVER)), { _tag: "OpenClawFailed", exitCode: 127 })
    })
  )

  scoped("is not told by one that fails, or may not be started", () =>
    Effect.gen(function* () {
      const broken = yield* OpenClawCli.make({ command: yield* writeScript("#!/bin/sh\necho broken >&2\nexit 5\n") })
      const error = yield* Effect.flip(broken.ask("Why?", NEVER))
      assert.deepInclude(error, { _tag: "OpenClawFailed", exitCode: 5, stderr: "broken" })
      const closed = yield* OpenClawCli.make({ command: yield* writeScript("#!/bin/sh\nexit 0\n", 0o644) })
      assert.deepInclude(yield* Effect.flip(closed.ask("Why?", NEVER)), { _tag: "OpenClawFailed", exitCode: 126 })
    })
  )

  scoped("may be too little", () =>
    Effect.gen(function* () {
      const file = yield* makeCli([{}], {}, "message-file")
      const refused = yield* Effect.flip(file.ask())
      assert.strictEqual(refused._tag, "OpenClawTooOld")
      assert.include(refused.message, "allowUnrestricted")
      const message = yield* makeCli([{}], { allowUnrestricted: true }, "message")
      assert.strictEqual((yield* Effect.flip(message.ask()))._tag, "OpenClawTooOld")
      for (const { fake } of [file, message]) assert.deepStrictEqual(yield* kindsOf(fake), ["help"])
    })
  )

  scoped("may be too little to restrict it, which can be allowed", () =>
    Effect.gen(function* () {
      const options = { allowUnrestricted: true, extraArgs: ["--verbose", "off"], model: "mock/mock-1" }
      const { ask, fake } = yield* makeCli([{ text: "Hello" }], options, "message-file")
      const { spent, text } = yield* ask("Why?")
      assert.deepStrictEqual([text, spent.model, spent.tokens?.total], ["Hello", "mock/mock-1", 118])
      const call = yield* firstTurn(fake)
      const root = rootOf(call)
      assert.deepStrictEqual(call.argv, [
        ...["agent", "--verbose", "off", "--local", "--session-id", `effect-healing-${root.slice(-6)}`],
        ...["--message-file", `${root}/prompt.md`, "--json", "--timeout", "86400", "--model", "mock/mock-1"]
      ])
      assert.deepStrictEqual([call.prompt, call.promptFileMode], ["Why?", 0o600])
      yield* leftNothing(fake)
    })
  )
})
