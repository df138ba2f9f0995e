#!/usr/bin/env node
import { isUtf8 } from "node:buffer"
/**
 * Stands in for the CLI `openclaw`: its options, envelopes, exit codes and signals, as the real one was seen to behave.
 * FAKE_OPENCLAW names a scenario (see makeFake.ts), and beside that file each call leaves a `call-<n>.json`.
 */
import { spawn } from "node:child_process"
import { randomBytes, randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"

const { FAKE_OPENCLAW: scenarioFile, TMPDIR } = process.env
if (scenarioFile === undefined) throw new Error("FAKE_OPENCLAW does not name a scenario")
const folder = path.dirname(scenarioFile)
const scenario = JSON.parse(fs.readFileSync(scenarioFile, "utf8"))
const { generation } = scenario
const isNew = generation === "exec"

const [release, commit] = {
  exec: ["2026.9.6", "eb377ac"],
  "message-file": ["2026.7.1", "2d2ddc4"],
  message: ["2026.4.29", "a448042"]
}[generation]
const version = `OpenClaw ${scenario.version ?? release} (${commit})`

// ---- What is said of each call

const argv = process.argv.slice(2)
const json = argv.includes("--json")
const modeOf = (file) => fs.statSync(file, { throwIfNoEntry: false })?.mode & 0o7777

const isVersion = argv.includes("--version") || argv.includes("-V")
const isHelp = argv.includes("--help") || argv.includes("-h")
const call = {
  kind: isVersion ? "version" : isHelp ? "help" : "turn",
  argv,
  cwd: process.cwd(),
  pid: process.pid,
  children: [],
  envNames: Object.keys(process.env).sort(),
  env: Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^OPENCLAW_|^(TMPDIR|HOME)$/.test(name) && name !== "FAKE_OPENCLAW")
  )
}

/** Complete whenever it can be seen, and nobody else's: a link fails if there is one already. */
const draft = path.join(folder, `.draft-${process.pid}`)
let callFile
const record = (fields) => {
  Object.assign(call, fields)
  fs.writeFileSync(draft, JSON.stringify(call))
  if (callFile !== undefined) return fs.renameSync(draft, callFile)
  for (let n = 1; callFile === undefined; n++) {
    try {
      fs.linkSync(draft, path.join(folder, `call-${n}.json`))
      callFile = path.join(folder, `call-${n}.json`)
      call.number = n
    } catch (error) {
      if (error.code !== "EEXIST") throw error
    }
  }
  fs.unlinkSync(draft)
}

const callBefore = (n) => JSON.parse(fs.readFileSync(path.join(folder, `call-${n}.json`), "utf8"))

const takeTurn = () => {
  const earlier = Array.from({ length: call.number - 1 }, (_, i) => callBefore(i + 1))
  const turns = scenario.turns ?? []
  return turns[Math.min(earlier.filter(({ kind }) => kind === "turn").length, turns.length - 1)] ?? {}
}

// ---- Output

/** Resolves when the chunk has been taken, so that the process may end after it. */
const write = (stream, chunk) => new Promise((taken) => stream.write(chunk, taken))
const say = (line) => write(process.stderr, `${line}\n`)
const print = (text) => write(process.stdout, text)
const pretty = (envelope) => `${JSON.stringify(envelope, null, 2)}\n`
// Whoever reads no more shall not be told of it by a stack.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => process.exit(1))

const leave = async (code) => process.exit(code)
const leavePrinting = async (text, code = 0) => leave(await print(text).then(() => code))

/** What is wrong with the arguments; no turn is taken for them. */
const refuse = async (message, { envelope = cliError(message), log = [message] } = {}) => {
  record({ kind: "refused", refused: message })
  for (const line of log) await say(line)
  if (json && isNew) await print(pretty(envelope))
  return leave(1)
}

const cliError = (message, extra = {}) => ({ ok: false, ...extra, error: { type: "cli_error", message } })

const execFailure = (message, fields = {}) => ({
  ok: false,
  status: "error",
  final: "",
  payloads: [],
  model: null,
  provider: null,
  sessionId: randomUUID(),
  error: { message, kind: "exception" },
  ...fields
})

const refuseExec = (message) => refuse(message, { envelope: execFailure(message) })

const cliLog = (message) =>
  isNew
    ? [
        "[openclaw] The CLI command failed.",
        `[openclaw] Reason: ${message}`,
        "[openclaw] Debug: set OPENCLAW_DEBUG=1 to include the stack trace.",
        "[openclaw] Try: openclaw doctor",
        "[openclaw] Help: openclaw --help"
      ]
    : [`Error: ${message}`]

const refuseAgent = (message) => refuse(message, { log: cliLog(message) })

// ---- Options

const agentOptions = [
  ["--agent <id>", "Agent id (overrides routing bindings)"],
  ["--channel <channel>", "Delivery channel: last|telegram|discord|slack (omit to use the main session channel)"],
  ["--deliver", "Send the agent's reply back to the selected channel (default: false)"],
  ["-h, --help", "Display help for command"],
  ["--json", "Output result as JSON (default: false)"],
  [
    "--local",
    isNew
      ? "Run the embedded agent locally using configured provider credentials or local CLI logins (default: false)"
      : "Run the embedded agent locally (requires model provider API keys in your shell) (default: false)"
  ],
  ["-m, --message <text>", "Message body for the agent"],
  ["--message-file <path>", `Read the agent message body from a UTF-8 file${isNew ? " (max 4 MiB)" : ""}`],
  ["--model <id>", "Model override for this run (provider/model or model id)"],
  ["--reply-account <id>", "Delivery account id override"],
  ["--reply-channel <channel>", "Delivery channel override (separate from routing)"],
  ["--reply-to <target>", "Delivery target override (separate from session routing)"],
  ["--session-id <id>", "Use an explicit session id"],
  ["--session-key <key>", "Explicit session key (agent:<id>:<key>, or scoped to --agent)"],
  ["-t, --to <number>", "Recipient number in E.164 used to derive the session key"],
  [
    "--thinking <level>",
    `Thinking level: off | minimal | low | medium | high | xhigh | adaptive | max ${isNew ? "| ultra " : ""}where supported`
  ],
  ["--timeout <seconds>", "Override agent command timeout (seconds, default 600 or config value)"],
  ["--verbose <on|off>", "Persist agent verbose level for the session"]
].filter(([flags]) => generation !== "message" || !/--message-file|--session-key/.test(flags))

const execOptions = [
  ["--auth-env-only", "Use provider credentials from environment variables only (default: false)"],
  ["--code-mode <mode>", "Tool mode: direct | auto | code"],
  ["--config <path>", "Run against this config file instead of the ambient config (pins a reproducible run)"],
  ["--cwd <dir>", "Set both the agent workspace and tool working directory"],
  ["--fallback <provider/model>", "Add an ordered fallback model (repeatable; requires --model) (default: [])"],
  ["-h, --help", "Display help for command"],
  ["--isolated", "Ignore the ambient config and run against exec defaults only (default: false)"],
  ["--json", "Emit the stable agent-exec JSON envelope (default: false)"],
  ["--local-model-lean", "Use the reduced local-model tool surface"],
  ["--message-file <path>", "Read the UTF-8 prompt from a file; use - for stdin"],
  ["--model <provider/model>", "Use an explicit primary model for this run"],
  ["--no-auth-env-only", "Allow stored and external CLI credential discovery"],
  ["--state-dir <dir>", "Use an existing state directory without deleting it"],
  [
    "--thinking <level>",
    "Thinking level: off | minimal | low | medium | high | xhigh | adaptive | max | ultra where supported"
  ],
  ["--timeout <seconds>", 'Agent deadline in seconds (default: "600")']
]

const rootOptions = [
  ["--container <name>", "Run the CLI inside a running Podman/Docker container named <name>"],
  ["--dev", "Dev profile: isolate state under ~/.openclaw-dev"],
  ["-h, --help", "Display help for command"],
  ["--log-level <level>", "Global log level override for file + console (silent|fatal|error|warn|info|debug|trace)"],
  ["--no-color", "Disable ANSI colors"],
  ["--profile <name>", "Use a named profile"],
  ["-V, --version", "output the version number"]
]

/** Two columns, 80 wide. */
const columns = (rows) => {
  const width = Math.max(...rows.map(([left]) => left.length)) + 4
  return rows.map(([left, right]) => {
    const lines = [""]
    for (const word of right.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trimStart()
      if (width + longer.length <= 80) lines[lines.length - 1] = longer
      else lines.push(word)
    }
    return `  ${left}`.padEnd(width) + lines.join(`\n${" ".repeat(width)}`)
  })
}

const help = (usage, about, options, commands = [], docs = "") =>
  [
    "",
    `${version} — All your chats, one OpenClaw.`,
    "",
    `Usage: openclaw ${usage}`,
    ...(about === "" ? [] : ["", about]),
    "",
    "Options:",
    ...columns(options),
    ...(commands.length === 0 ? [] : ["", "Commands:", ...columns(commands)]),
    ...(docs === "" ? [] : ["", `Docs: https://docs.openclaw.ai/${docs}`]),
    ""
  ].join("\n")

/** Strict as the real one: an option takes what follows it, whatever it looks like; `--` ends them. */
const parse = (args, table, { stopAtOperand = false } = {}) => {
  const known = table.flatMap(([flags]) => {
    const names = flags.split(", ").map((part) => part.split(" ")[0])
    return names.map((name) => ({ name, long: names.at(-1), flags, takesValue: flags.includes("<") }))
  })
  const options = {}
  const operands = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (arg === "--") return { options, operands: [...operands, ...args.slice(i + 1)], rest: [] }
    if (!arg.startsWith("-") || arg === "-") {
      if (stopAtOperand) return { options, operands: [arg], rest: args.slice(i + 1) }
      operands.push(arg)
      continue
    }
    const equals = arg.startsWith("--") ? arg.indexOf("=") : -1
    const option = known.find(({ name }) => name === (equals < 0 ? arg : arg.slice(0, equals)))
    if (option === undefined || (equals >= 0 && !option.takesValue)) return { unknown: arg }
    if (!option.takesValue) options[option.long] = true
    else if (equals >= 0) options[option.long] = arg.slice(equals + 1)
    else if (i + 1 < args.length) options[option.long] = args[++i]
    else return { missing: option.flags }
  }
  return { options, operands, rest: [] }
}

/** The arguments could not be parsed; the oldest generation says it in the words of its parser. */
const refuseUsage = (message, command, old = message) =>
  generation === "message" ? refuse(`error: ${old}`) : refuse(`${message}\nTry: openclaw ${command} --help`)

const refuseParsed = ({ unknown, missing }, command) =>
  unknown === undefined
    ? refuseUsage(
        `OpenClaw could not parse this command: option '${missing}' argument missing`,
        command,
        `option '${missing}' argument missing`
      )
    : refuseUsage(`OpenClaw does not recognize option "${unknown}".`, command, `unknown option '${unknown}'`)

const refuseTimeout = (seconds) => seconds !== undefined && !/^\d+$/.test(seconds)

// ---- Prompt and configuration

const maxPrompt = 4 * 1024 * 1024

const readStdin = async () => {
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const readPromptFile = (file) => {
  record({ promptFile: file, promptFileMode: modeOf(file) })
  try {
    return fs.readFileSync(file)
  } catch (error) {
    return error
  }
}

const decode = (bytes) => bytes.toString("utf8").replace(/^\ufeff/, "")

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value)

/** Objects are merged, arrays are appended to, and the rest is replaced. */
const merge = (below, above) => {
  if (Array.isArray(below) && Array.isArray(above)) return [...below, ...above]
  if (!isRecord(below) || !isRecord(above)) return above
  const merged = { ...below }
  for (const [key, value] of Object.entries(above)) merged[key] = key in below ? merge(below[key], value) : value
  return merged
}

const includeRoots = (process.env.OPENCLAW_INCLUDE_ROOTS ?? "").split(path.delimiter).filter((root) => root !== "")
const isInside = (root, file) => !path.relative(root, file).startsWith("..")

/** With everything that `$include` brings in, which stays inside the folder of the file and the roots allowed. */
const resolveConfig = (file, root = path.dirname(path.resolve(file))) => {
  const { $include = [], ...own } = JSON.parse(fs.readFileSync(file, "utf8"))
  return [$include].flat().reduceRight((above, name) => {
    const included = path.resolve(path.dirname(file), name)
    if (![root, ...includeRoots].some((allowed) => isInside(path.resolve(allowed), included))) {
      throw new Error(`Include path escapes config directory: ${name} (root: ${root})`)
    }
    return merge(resolveConfig(included, root), above)
  }, own)
}

/** The failure, if it cannot be used. */
const readConfig = (named, ambient = process.env.OPENCLAW_CONFIG_PATH) => {
  const file = named ?? ambient
  // Without a configuration of the user there are defaults.
  if (file === undefined || (named === undefined && !fs.existsSync(file))) return undefined
  record({ configFile: file, configMode: modeOf(file), configFolderMode: modeOf(path.dirname(file)) })
  let content
  try {
    content = fs.readFileSync(file, "utf8")
    record({ config: content })
    record({ config: JSON.parse(content) })
    record({ resolvedConfig: resolveConfig(file) })
  } catch (error) {
    return content === undefined ? `--config file not found: ${file}` : `Config invalid: ${error.message}`
  }
}

// ---- The envelopes

const timedOut =
  "Request timed out before a response was generated. Please try again, or increase " +
  "`agents.defaults.timeoutSeconds` in your config."

const tokens = { input: 111, output: 7, cacheRead: 0, cacheWrite: 0, total: 118, cost: { total: 0.000125 } }

const stats = { codeModeEngaged: false, assistantTurns: 1, bridgeCalls: { search: 0, describe: 0, call: 0 } }

const payloadsOf = (turn) => (turn.payloads ?? [turn.text ?? "{}"]).map((text) => ({ text, mediaUrl: null }))

const finalOf = (payloads) =>
  payloads
    .filter(({ text }) => text.trim() !== "")
    .map(({ text }) => text.trimEnd())
    .join("\n")

const usageOf = ({ usage = tokens }) => (usage === null ? {} : { usage, costUsd: usage.cost?.total })

const execAnswer = (turn, sessionId) => ({
  ok: true,
  status: "ok",
  final: finalOf(payloadsOf(turn)),
  payloads: payloadsOf(turn),
  ...usageOf(turn),
  ...stats,
  model: "mock-1",
  provider: "mock",
  sessionId
})

const execTimeout = (sessionId) => ({
  ok: false,
  status: "timeout",
  final: "",
  payloads: [{ text: timedOut, mediaUrl: null, isError: true }],
  ...stats,
  model: "mock-1",
  provider: "mock",
  sessionId,
  error: { message: timedOut, kind: "timeout" }
})

const agentMeta = (sessionId, usage) => ({
  sessionId,
  sessionFile: `agent:main:explicit:${sessionId}`,
  provider: "mock",
  model: "mock-1",
  contextTokens: 120_000,
  agentHarnessId: "openclaw",
  ...(usage.usage === undefined ? {} : { usage: usage.usage, lastCallUsage: usage.usage }),
  promptTokens: 111,
  contextBudgetStatus: { schemaVersion: 1, source: "pre-prompt-estimate", route: "fits", shouldCompact: false },
  ...(isNew ? { ...stats, ...(usage.costUsd === undefined ? {} : { costUsd: usage.costUsd }) } : {})
})

const agentAnswer = (turn, sessionId) => ({
  payloads: payloadsOf(turn),
  meta: {
    durationMs: 3129,
    agentMeta: agentMeta(sessionId, usageOf(turn)),
    aborted: false,
    systemPromptReport: { source: "run", sessionId, provider: "mock", model: "mock-1", sandbox: { mode: "off" } },
    finalPromptText: call.prompt,
    finalAssistantVisibleText: finalOf(payloadsOf(turn)),
    finalAssistantRawText: finalOf(payloadsOf(turn)),
    replayInvalid: false,
    livenessState: "working",
    stopReason: "stop",
    executionTrace: {
      winnerProvider: "mock",
      winnerModel: "mock-1",
      attempts: [{ provider: "mock", model: "mock-1", result: "success", stage: "assistant" }],
      fallbackUsed: false,
      runner: "embedded"
    },
    requestShaping: { thinking: "off" },
    completion: { stopReason: "stop", finishReason: "stop" }
  }
})

const agentTimeout = (sessionId) => ({
  payloads: [{ text: timedOut, isError: true, mediaUrl: null }],
  meta: {
    modelFallbackStopReason: "agent_run_terminal_timeout",
    durationMs: 5105,
    agentMeta: agentMeta(sessionId, {}),
    aborted: false,
    systemPromptReport: { source: "run", sessionId, provider: "mock", model: "mock-1", sandbox: { mode: "off" } },
    finalPromptText: call.prompt,
    replayInvalid: true,
    livenessState: "paused",
    timeoutPhase: "provider",
    providerStarted: true,
    error: { kind: "incomplete_turn", message: timedOut, fallbackSafe: false },
    executionTrace: { fallbackUsed: false }
  }
})

/** The three ways to ask for a turn: how each answers and fails. */
const ways = {
  exec: {
    answer: execAnswer,
    timeout: execTimeout,
    timeoutCode: 2,
    failure: (message, sessionId, { kind = "exception" }) =>
      execFailure(message, { sessionId, error: { message, kind } }),
    failureLog: (message) => [message]
  },
  local: {
    answer: agentAnswer,
    timeout: agentTimeout,
    timeoutCode: 1,
    failure: (message) => cliError(message),
    failureLog: cliLog
  },
  gateway: {
    answer: (turn, sessionId, runId) => ({
      runId,
      status: "ok",
      summary: "completed",
      result: { ...agentAnswer(turn, sessionId), sourceReplyDeliveryState: "none" }
    }),
    timeout: (_sessionId, runId) => cliError(timedOut, { runId, origin: "gateway" }),
    timeoutCode: 1,
    failure: (message, _sessionId, _turn, runId) => cliError(message, { runId, origin: "gateway" }),
    failureLog: cliLog
  }
}

// ---- A turn

const forever = () => new Promise(() => setInterval(() => {}, 1_000_000))

const ignoreSignals = () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.removeAllListeners(signal).on(signal, () => {})
}

/** Two children in the same process group with the same stdout: one has a child of its own, one ignores SIGTERM. */
const fork = async () => {
  const shell = (script, third) => spawn("sh", ["-c", script], { stdio: ["ignore", "inherit", "inherit", third] })
  const parent = shell('sleep 1000000 3>&- & echo "$!" >&3; exec 3>&-; wait', "pipe")
  const stubborn = shell('trap "" TERM INT HUP; exec sleep 1000000', "ignore")
  const grandchild = Number(await text(parent.stdio[3]))
  record({ children: [parent.pid, stubborn.pid, grandchild] })
}

const rateLimitGaps = [1148, 2476, 5809, 7389, 14_925, 28_027, 22_562, 21_622, 30_000]

/**
 * What became of the turn, at the end. A pause that is longer than all the time it has is waited for all the same, and the
 * failure no longer tells of the limit.
 */
const rateLimit = async ({ retryAfter = 1, delayMs }, runId, seconds) => {
  const patience = seconds * 1000 + 30_000
  const limit =
    "Rate limit reached for mock-1 in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1."
  const detail = `${limit} Please try again in ${retryAfter}s.; Retry-After: ${retryAfter} seconds`
  const raw = `rawError=429 ${detail}`
  for (let attempt = 0; attempt <= rateLimitGaps.length; attempt++) {
    await say("[agent/embedded] tool-search: cataloged 38 tools behind compact prompt surface")
    await say(
      "[provider-transport-fetch] [model-fetch] response provider=mock api=openai-completions model=mock-1 status=429 " +
        `elapsedMs=8 dispatcher=${attempt === 0 ? "new" : "reused"} contentType=application/json`
    )
    await say(
      `[agent/embedded] embedded run agent end: runId=${runId} isError=true model=mock-1 provider=mock error=⚠️ ${detail} ${raw}`
    )
    const gap = rateLimitGaps[attempt]
    if (gap === undefined) break
    const pause = Math.max(gap, retryAfter * 1000)
    await say(
      `[agent/embedded] transient same-model retry ${attempt + 1}/9 for mock/mock-1 reason=rate_limit: delayMs=${pause}`
    )
    if (attempt === 0) record({ ready: true })
    if (seconds > 0 && pause > patience) {
      await sleep(delayMs ?? patience)
      return `Command lane "session:agent:main:explicit:${runId}" task timed out: no progress for ${patience}ms`
    }
    await sleep(delayMs ?? pause)
  }
  await say(
    `[agent/embedded] embedded run failover decision: runId=${runId} stage=assistant decision=surface_error ` +
      `reason=rate_limit attempt=1 retry=9 rotations=0 from=mock/mock-1 profile=- ${raw}`
  )
  await say(`[diagnostic] lane task error: lane=main durationMs=144212 error="⚠️ ${detail}" errorName=FailoverError`)
  await say(
    "[model-fallback/decision] model fallback decision: decision=candidate_failed requested=mock/mock-1 " +
      `candidate=mock/mock-1 reason=rate_limit next=none detail=429 ${detail}`
  )
  return `⚠️ ${detail}`
}

const big = async (stream, { bytes = 100_000_000 }) => {
  const chunk = Buffer.alloc(65_536, "x")
  for (let left = bytes; left > 0; left -= chunk.length) await write(stream, chunk.subarray(0, left))
}

/** Stands for bytes that are no UTF-8 while the envelope is still text. */
const marker = "\ue000"

const runTurn = async (way, turn, { seconds = "600", sessionId, tidy = () => {} }) => {
  const runId = way === "exec" ? sessionId : randomUUID()
  const { answer, timeout, timeoutCode, failure, failureLog } = ways[way]
  const end = async (code) => {
    tidy()
    return leave(turn.exit ?? code)
  }
  const answered = (fields = {}) => {
    const said = { ...turn, ...fields }
    return json
      ? pretty(answer(said, sessionId, runId))
      : `${payloadsOf(said)
          .map(({ text }) => text)
          .join("\n")}\n`
  }
  const fail = async (message) => {
    if (json && (isNew || way === "exec")) await print(pretty(failure(message, sessionId, turn, runId)))
    for (const line of failureLog(message)) await say(line)
    return end(1)
  }
  const begun = () => say("[agent/embedded] tool-search: cataloged 38 tools behind compact prompt surface")
  const ended = () => say(`[agents/agent-command] [agent] run ${runId} ended with stopReason=stop`)
  const finish = async (output) => {
    await begun()
    await ended()
    await print(output)
    return end(0)
  }

  for (const line of [turn.stderr ?? []].flat()) await say(line)
  const { mode = "answer" } = turn
  if (turn.delayMs !== undefined && mode !== "rateLimit") await sleep(turn.delayMs)

  switch (mode) {
    case "answer":
      return finish(answered())
    case "error":
      await begun()
      return fail(turn.message ?? "LLM request failed: connection refused by the provider endpoint.")
    case "timeout": {
      await begun()
      await say(`[agent/embedded] embedded run timeout: runId=${runId} sessionId=${sessionId} timeoutMs=2909`)
      const envelope = way === "gateway" ? timeout(sessionId, runId) : timeout(sessionId)
      if (json && (isNew || way === "local")) await print(pretty(envelope))
      if (way === "exec" || !json) await say(timedOut)
      return end(timeoutCode)
    }
    case "rateLimit":
      return fail(await rateLimit(turn, runId, Number(seconds)))
    case "hang":
      record({ ready: true })
      return forever()
    case "ignoreTerm":
      ignoreSignals()
      record({ ready: true })
      return forever()
    case "fork":
      ignoreSignals()
      await fork()
      record({ ready: true })
      return forever()
    case "forkAndAnswer":
      await fork()
      return finish(answered())
    case "garbage":
      await print(randomBytes(4096))
      return end(0)
    case "huge":
      await print('{\n  "ok": true,\n  "status": "ok",\n  "final": "')
      await big(process.stdout, turn)
      await print('"\n}\n')
      return end(0)
    case "hugeStderr":
      await big(process.stderr, turn)
      return finish(answered())
    case "invalidUtf8": {
      const pieces = answered({ payloads: [`${turn.text ?? "{}"}${marker}`] }).split(marker)
      return finish(
        Buffer.concat(pieces.flatMap((piece, i) => (i === 0 ? [] : [Buffer.of(0xff, 0xfe)]).concat(Buffer.from(piece))))
      )
    }
    case "half": {
      const output = answered()
      return finish(output.slice(0, Math.floor(output.length / 2)))
    }
    case "nothing":
      return end(0)
    case "crash":
      await begun()
      if (turn.signal === undefined) return leave(turn.exit ?? 1)
      process.removeAllListeners(turn.signal)
      process.kill(process.pid, turn.signal)
      return forever()
    case "notJson":
      return finish(`${turn.text ?? "Here is what I found."}\n`)
    case "noise":
      return finish(`[plugins] loaded 3 plugins\n{not json}\n${answered()}[plugins] stopped\n`)
    default:
      throw new Error(`The scenario asks for a mode that there is not: ${mode}`)
  }
}

/** Ends as the real one does when it is told to: at once, with nothing on stdout. */
const heedSignals = () => {
  process.on("SIGTERM", () => process.exit(143))
  process.on("SIGINT", () => process.exit(130))
}

/** The state of an isolated run, which is left behind by a run that is stopped. */
const makeState = () => {
  if (TMPDIR !== undefined) fs.mkdirSync(path.join(TMPDIR, "node-compile-cache"), { recursive: true })
  const state = fs.mkdtempSync(path.join(tmpdir(), "openclaw-agent-exec-"))
  fs.writeFileSync(path.join(state, "openclaw.sqlite"), "state")
  return () => fs.rmSync(state, { recursive: true })
}

const exec = async (args) => {
  const parsed = parse(args, execOptions)
  if (parsed.options === undefined) return refuseParsed(parsed, "agent exec")
  const { options, operands } = parsed
  if (operands.length > 1) return refuseUsage("Too many arguments for this command.", "agent exec")
  const file = options["--message-file"]
  const cwd = options["--cwd"]
  const stateDir = options["--state-dir"]
  if (file === undefined && operands.length === 0) {
    return refuseExec("Missing prompt. Pass text or use --message-file <path>.")
  }
  if (file !== undefined && operands.length > 0) {
    return refuseExec("Use either the prompt argument or --message-file, not both.")
  }
  if (refuseTimeout(options["--timeout"])) return refuseExec("--timeout must be a non-negative integer in seconds.")
  if (options["--fallback"] !== undefined && options["--model"] === undefined) {
    return refuseExec("--fallback requires --model so the primary model is explicit.")
  }
  if (!["direct", "auto", "code"].includes(options["--code-mode"] ?? "auto")) {
    return refuseExec("--code-mode must be one of direct, auto, code.")
  }
  const named = file === "-" ? "stdin" : `Message file ${file}`
  const bytes = file === undefined ? Buffer.from(operands[0]) : file === "-" ? await readStdin() : readPromptFile(file)
  if (bytes instanceof Error) return refuseExec(`Message file not found: ${file} | ${bytes.message} | ${bytes.code}`)
  if (bytes.length > maxPrompt) return refuseExec(`${named} exceeds ${maxPrompt} bytes`)
  if (!isUtf8(bytes)) return refuseExec(`${named} must be valid UTF-8`)
  const prompt = decode(bytes)
  record({ prompt })
  if (prompt.trim() === "") return refuseExec(`${named} is empty`)
  for (const [what, dir] of [
    ["Working", cwd],
    ["State", stateDir]
  ]) {
    if (dir === undefined || fs.statSync(dir, { throwIfNoEntry: false })?.isDirectory()) continue
    return refuseExec(
      `${what} directory does not exist: ${dir} | ENOENT: no such file or directory, stat '${dir}' | ENOENT`
    )
  }
  for (const other of ["--isolated", "--auth-env-only"]) {
    if (options["--config"] !== undefined && options[other]) {
      return refuseExec(`--config cannot be combined with ${other}.`)
    }
  }
  const unusable = options["--isolated"] ? undefined : readConfig(options["--config"])
  if (unusable !== undefined) return refuseExec(unusable)
  const tidy = stateDir === undefined ? makeState() : undefined
  return runTurn("exec", begin(), { seconds: options["--timeout"], sessionId: randomUUID(), tidy })
}

/** From here on the call is a turn: the scenario says what becomes of it. */
const begin = () => {
  heedSignals()
  return takeTurn()
}

const agent = async (args) => {
  const parsed = parse(args, agentOptions, { stopAtOperand: isNew })
  if (parsed.options === undefined) return refuseParsed(parsed, "agent")
  const { options, operands, rest } = parsed
  if (isNew && operands[0] === "exec") return exec(rest)
  if (isNew && operands.length > 0) {
    const lines = [
      `OpenClaw agent has no command "${operands[0]}".`,
      "Try: openclaw agent --help",
      "Docs: https://docs.openclaw.ai/cli"
    ]
    return refuse(lines.join("\n"))
  }
  const { "--message": message, "--message-file": file } = options
  if (generation === "message" && message === undefined) {
    return refuse("error: required option '-m, --message <text>' not specified")
  }
  if (operands.length > 0) {
    return refuseUsage(
      "Too many arguments for this command.",
      `agent ${operands[0]}`,
      `too many arguments for 'agent'. Expected 0 arguments but got ${operands.length}.`
    )
  }
  if (message === undefined && file === undefined) {
    return refuseAgent(
      'Missing message. Use openclaw agent --message "..." --agent <id> or openclaw agent --message-file <path> --agent <id>.'
    )
  }
  if (message !== undefined && file !== undefined)
    return refuseAgent("Use either --message or --message-file, not both.")
  for (const selector of ["--to", "--session-key", "--session-id", "--agent"]) {
    if (options[selector]?.trim() === "") return refuseAgent(`${selector} must not be blank`)
  }
  if (refuseTimeout(options["--timeout"])) {
    return refuseAgent("--timeout must be a non-negative integer (seconds; 0 means no timeout)")
  }
  const bytes = file === undefined ? Buffer.from(message) : readPromptFile(file)
  if (bytes instanceof Error) {
    const cause = isNew ? "" : ` | ${bytes.message} | ${bytes.code}`
    return refuseAgent(`Message file not found: ${file}${cause}`)
  }
  if (isNew && bytes.length > maxPrompt) {
    return refuseAgent(`Unable to read message file ${file}: File exceeds ${maxPrompt} bytes: ${file}`)
  }
  if (!isUtf8(bytes)) return refuseAgent(`Message file must be valid UTF-8: ${file}`)
  record({ prompt: decode(bytes) })
  const unusable = readConfig()
  if (unusable !== undefined) return refuse(`OpenClaw config is invalid\n${unusable}`)
  const sessionId = options["--session-id"] ?? randomUUID()
  return runTurn(options["--local"] ? "local" : "gateway", begin(), { seconds: options["--timeout"], sessionId })
}

/** `config file` and `config get <path>`, of the user's configuration. */
const config = async (args) => {
  const { options, operands = [] } = parse(args, [["--json"]])
  const { HOME = "", OPENCLAW_CONFIG_PATH, OPENCLAW_STATE_DIR = path.join(HOME, ".openclaw") } = process.env
  const file = OPENCLAW_CONFIG_PATH ?? path.join(OPENCLAW_STATE_DIR, "openclaw.json")
  record({ kind: "config" })
  if (options !== undefined && operands[0] === "file") return leavePrinting(json ? pretty({ path: file }) : `${file}\n`)
  if (options === undefined || operands[0] !== "get" || operands.length !== 2) {
    return refuseUsage("Too many arguments for this command.", "config")
  }
  const value = operands[1].split(".").reduce((at, key) => at?.[key], fs.existsSync(file) ? resolveConfig(file) : {})
  if (value !== undefined) return leavePrinting(pretty(value))
  const message =
    `Config path is valid but unset: ${operands[1]}. The runtime default applies until you set an authored value with ` +
    `openclaw config set ${operands[1]} <value>.`
  if (json) return leavePrinting(pretty(cliError(message)), 1)
  await say(message)
  return leave(1)
}

// ---- The commands

const about = "Run an agent turn via the Gateway (use --local for embedded)"

const helpFor = ([command, subcommand]) => {
  if (command !== "agent") {
    const commands = [
      [`agent${isNew ? " *" : ""}`, about],
      ["config *", "Non-interactive config helpers (get/set/patch/unset/file/schema/validate)"],
      ["gateway *", "Run, inspect, and query the WebSocket Gateway"],
      ["health", "Fetch health from the running gateway"]
    ]
    return help("[options] [command]", "", rootOptions, commands)
  }
  // A generation without `exec` takes it for an argument and tells of `agent`, with success.
  if (!isNew) return help("agent [options]", about, agentOptions, [], "cli/agent")
  if (subcommand === "exec") {
    const usage = "agent exec [options] [message]"
    return help(usage, "Run one isolated headless embedded agent turn", execOptions, [], "cli/agent#agent-exec")
  }
  const commands = [["exec", "Run one isolated headless embedded agent turn"]]
  return help("agent [options] [command]", about, agentOptions, commands, "cli/agent")
}

const main = () => {
  record({})
  if (isVersion) return leavePrinting(`${version}\n`)
  const words = argv.filter((arg) => !arg.startsWith("-"))
  const isKnown = words[0] === undefined || words[0] === "agent"
  const isKnownOfAgent = words[1] === undefined || words[1] === "exec" || !isNew
  if (isHelp && isKnown && isKnownOfAgent) return leavePrinting(`${helpFor(words)}\n`)
  const { options, operands, rest } = parse(argv, [...rootOptions, ["--json"]], { stopAtOperand: true })
  if (options === undefined || operands.length === 0) {
    return refuse("OpenClaw TUI needs an interactive TTY. Use `openclaw agent --local ...` for automation.")
  }
  if (operands[0] === "agent") return agent(rest)
  if (operands[0] === "config") return config(rest)
  const lines = [
    `OpenClaw does not know the command "${operands[0]}".`,
    "Try: openclaw --help",
    "Plugin command? openclaw plugins list",
    "Docs: https://docs.openclaw.ai/cli"
  ]
  return refuse(lines.join("\n"))
}

await main()
