/**
 * OpenClaw's own channels, by a stand-in that answers as OpenClaw 2026.9.6 did on 2026-11-27, with and without its gateway. `npm run
 * test:openclaw` asks the real one.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, type Scope } from "effect"
import { HealingConfig, type NotifyError } from "effect-healing"
import * as Channels from "../../src/notify/Channels.js"
import * as Notice from "../../src/notify/Notice.js"

/** What a call answers: by the first words of its arguments. */
interface Answer {
  readonly exit?: number
  readonly stdout?: unknown
  readonly stderr?: string
}

const NO_GATEWAY: Answer = {
  exit: 1,
  stdout: {
    ok: false,
    error: {
      type: "gateway_transport_error",
      kind: "closed",
      message: "Gateway not reachable at ws://127.0.0.1:18789 (ECONNREFUSED).\nStart it with `openclaw gateway`"
    }
  }
}

const requestError = (code: string, message: string, details: object = {}): Answer => ({
  exit: 1,
  stdout: { ok: false, error: { type: "gateway_request_error", code, message, details, retryable: false } }
})

const cliError = (message: string): Answer => ({
  exit: 1,
  stdout: { ok: false, error: { type: "cli_error", message } }
})

const SENT: Answer = { stdout: { runId: "eh-1", messageId: "140", channel: "whatsapp" } }

const makeOpenClaw = (answers: { readonly gateway: Answer; readonly message?: Answer }) =>
  Effect.gen(function* () {
    const folder = yield* Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())
    const command = join(folder, "openclaw")
    const calls = join(folder, "calls.jsonl")
    writeFileSync(
      command,
      `#!${process.execPath}
      const { appendFileSync } = require("node:fs")
      const argv = process.argv.slice(2)
      appendFileSync(${JSON.stringify(calls)}, JSON.stringify(argv) + "\\n")
      const { exit = 0, stdout, stderr = "" } = ${JSON.stringify(answers)}[argv[0]] ?? { exit: 1, stderr: "unknown command" }
      process.stderr.write(stderr)
      if (stdout !== undefined) process.stdout.write(JSON.stringify(stdout))
      process.exitCode = exit`
    )
    chmodSync(command, 0o755)
    const [channel] = yield* Effect.flatMap(HealingConfig, ({ notify }) => Channels.make(notify.channels)).pipe(
      Effect.provide(
        HealingConfig.layer({
          notify: {
            channels: { chat: { type: "openclaw", channel: "whatsapp", target: "+15550100", account: "work", command } }
          }
        })
      )
    )
    return {
      send: (notice: Notice.Notice) =>
        channel === undefined ? Effect.die("no channel") : Effect.either(channel.send(notice)),
      calls: (): ReadonlyArray<ReadonlyArray<string>> =>
        existsSync(calls)
          ? readFileSync(calls, "utf8")
              .trim()
              .split("\n")
              .map((line) => JSON.parse(line))
          : []
    }
  })

const notice = Notice.make(
  {
    at: 1,
    kind: "JobFailing",
    severity: "low",
    job: "digest",
    title: "--json is a title for @everyone",
    cause: "C:\\new folder",
    todo: "Look at its log"
  },
  "notice-7"
)

const detail = (result: Either.Either<void, NotifyError>) =>
  Either.match(result, { onLeft: ({ detail, reason }) => `${reason}: ${detail}`, onRight: () => "sent" })

const scoped = <E>(name: string, test: Effect.Effect<void, E, NodeContext.NodeContext | Scope.Scope>) =>
  it.scopedLive(name, () => Effect.provide(test, NodeContext.layer))

describe("a channel of OpenClaw", () => {
  scoped(
    "is told by the gateway, which drops doubles by the id of the notice",
    Effect.gen(function* () {
      const { calls, send } = yield* makeOpenClaw({ gateway: SENT })
      assert.strictEqual(detail(yield* send(notice)), "sent")
      const [[...argv] = []] = calls()
      assert.deepStrictEqual(argv.slice(0, 7), ["gateway", "call", "send", "--json", "--timeout", "70000", "--params"])
      const { message, ...params } = JSON.parse(argv[7] ?? "")
      assert.deepStrictEqual(params, {
        channel: "whatsapp",
        to: "+15550100",
        accountId: "work",
        idempotencyKey: "notice-7"
      })
      assert.include(message, "C:\\new folder")
      assert.notInclude(message, "@everyone")
      assert.strictEqual(calls().length, 1)
    })
  )

  scoped(
    "without a gateway is told by openclaw message send",
    Effect.gen(function* () {
      const message = {
        stdout: { action: "send", channel: "whatsapp", dryRun: false, handledBy: "core", messageId: "7" }
      }
      const { calls, send } = yield* makeOpenClaw({ gateway: NO_GATEWAY, message })
      assert.strictEqual(detail(yield* send(notice)), "sent")
      const [, [...argv] = []] = calls()
      assert.deepStrictEqual(argv.slice(0, 9), [
        ...["message", "send", "--channel", "whatsapp", "--target", "+15550100", "--json", "--account", "work"]
      ])
      assert.match(argv[9] ?? "", /^--message=🔵 --json is a title/)
      assert.notInclude(argv[9], "\\n", "it would become a line break")
    })
  )

  scoped(
    "that is out of reach is tried again",
    Effect.gen(function* () {
      const message = cliError("Gateway not reachable at ws://127.0.0.1:18789 (ECONNREFUSED).\nStart it with ...")
      const { send } = yield* makeOpenClaw({ gateway: NO_GATEWAY, message })
      assert.match(
        detail(yield* send(notice)),
        /^Failed: OpenClaw does not send it \(exit code 1\): Gateway not reachable/
      )
    })
  )

  scoped(
    "that OpenClaw tries by itself is not told twice",
    Effect.gen(function* () {
      const queued = requestError("UNAVAILABLE", "OutboundDeliveryError: No active WhatsApp Web listener", {
        code: "OUTBOUND_DELIVERY_QUEUED"
      })
      const { calls, send } = yield* makeOpenClaw({ gateway: queued })
      assert.strictEqual(detail(yield* send(notice)), "sent")
      assert.strictEqual(calls().length, 1)
    })
  )

  scoped(
    "that does not take it says why, and the gateway is not gone round",
    Effect.gen(function* () {
      const { calls, send } = yield* makeOpenClaw({
        gateway: requestError("INVALID_REQUEST", "unsupported channel: whatsapp"),
        message: SENT
      })
      assert.strictEqual(
        detail(yield* send(notice)),
        "Failed: OpenClaw does not send it (exit code 1): unsupported channel: whatsapp"
      )
      assert.strictEqual(calls().length, 1)
    })
  )

  scoped(
    "that suppresses the message has not sent it",
    Effect.gen(function* () {
      const message = { stdout: { action: "send", payload: { status: "suppressed", reason: "no_visible_payload" } } }
      const { send } = yield* makeOpenClaw({ gateway: NO_GATEWAY, message })
      assert.match(detail(yield* send(notice)), /^Failed/)
    })
  )

  scoped(
    "of which it is not known whether it was told is not told by another way",
    Effect.gen(function* () {
      const { calls, send } = yield* makeOpenClaw({ gateway: { exit: 137 }, message: SENT })
      assert.match(detail(yield* send(notice)), /^Failed: OpenClaw does not send it \(exit code 137\)/)
      assert.strictEqual(calls().length, 1)
    })
  )

  scoped(
    "of an OpenClaw that is too old, or is not there, says so",
    Effect.gen(function* () {
      const old = yield* makeOpenClaw({ gateway: { exit: 1, stderr: "error: unknown command 'call'" } })
      assert.match(detail(yield* old.send(notice)), /^Failed: OpenClaw does not send it \(exit code 1\)/)
    })
  )
})
