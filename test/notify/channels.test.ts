/** Each channel against a real server on this machine, which answers as the real one does. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net"
import { join } from "node:path"
import { FileSystem } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Effect, Either, FastCheck, Fiber, Layer, Option, Runtime, Stream } from "effect"
import {
  HealingConfig,
  type HealingConfigError,
  type Notice,
  type NotifyChannelInput,
  type NotifyError
} from "effect-healing"
import { SMTPServer } from "smtp-server"
import { Webhook } from "standardwebhooks"
import type { Channel } from "../../src/notify/Channel.js"
import * as Channels from "../../src/notify/Channels.js"
import { forDiscord, forSlack } from "../../src/notify/Mentions.js"
import * as NoticeDraft from "../../src/notify/Notice.js"
import { parameters, runsOf } from "../support/property.js"
import { makeReceiver, type Reply } from "../support/receiver.js"

const PROMPT = "hooks/T00000000/B00000000/VERYSECRETPART"

const aNotice = (fields: Partial<NoticeDraft.Draft> = {}): Notice =>
  NoticeDraft.make(
    {
      at: 1_763_900_000_000,
      kind: "JobFailing",
      severity: "high",
      job: "digest",
      title: "digest fails",
      cause: "the disk is full",
      details: ["1. Remove old logs (high)"],
      todo: "Look at its log",
      command: "effect-healing history --job digest",
      costUsd: 0.25,
      ...fields
    },
    "4d8b6c0e-8f7a-4a67-9a43-6a4f7d2b1c11"
  )

/** A report that tries to mention everybody, to close what it stands in, and to forge fields. */
const HOSTILE = [
  "<!channel> <!everyone> @channel @here @everyone <@U123> @all [link](https://evil.example)",
  "``` end ``` *bold* _it_ ~no~ `code` <b>bold</b> </pre> <script>alert(1)</script> & &amp;",
  '"},"text":"forged"}',
  "Subject: forged\r\nBcc: everybody@example.com\r\n\r\nforged"
]

/** The channel of these settings, made as the layer makes it. */
const open = (
  input: NotifyChannelInput,
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<Channel, HealingConfigError> =>
  Effect.gen(function* () {
    const { notify } = yield* HealingConfig
    const [channel] = yield* Channels.make(notify.channels)
    return channel as Channel
  }).pipe(
    Effect.provide(Layer.merge(HealingConfig.layer({ notify: { channels: { one: input } } }), NodeContext.layer)),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment))))
  )

const send = (channel: Channel, notice = aNotice()): Effect.Effect<Either.Either<void, NotifyError>> =>
  Effect.either(channel.send(notice))

const problem = (result: Either.Either<void, NotifyError>): NotifyError => {
  if (Either.isRight(result)) throw new Error("it was taken")
  return result.left
}

const inFolder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped()).pipe(
  Effect.provide(NodeContext.layer)
)

const scoped = it.scopedLive

describe("a webhook", () => {
  scoped("gets JSON of the documented Schema, signed so that the library of the receiver takes it", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      const secret = `whsec_${Buffer.from("a secret of twenty-four b").toString("base64")}`
      const channel = yield* open({ type: "webhook", url: `${receiver.url}/${PROMPT}`, secret })
      yield* channel.send(aNotice())
      const [{ body = "", headers = {} } = {}] = receiver.received
      const verified = new Webhook(secret).verify(body, {
        "webhook-id": String(headers["webhook-id"]),
        "webhook-timestamp": String(headers["webhook-timestamp"]),
        "webhook-signature": String(headers["webhook-signature"])
      })
      assert.deepStrictEqual(NoticeDraft.fromJson(body), Either.right(aNotice()))
      assert.deepStrictEqual(verified, JSON.parse(body))
      assert.strictEqual(headers["webhook-id"], aNotice().id)
      assert.isUndefined(headers.traceparent)
    })
  )

  scoped("is not signed without a secret, and does not follow redirects", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      receiver.reply = ({ path }) =>
        path === "/elsewhere" ? { status: 200 } : { status: 302, headers: { location: `${receiver.url}/elsewhere` } }
      const channel = yield* open({ type: "webhook", url: `${receiver.url}/${PROMPT}` })
      const error = problem(yield* send(channel))
      assert.strictEqual(error.reason, "Failed")
      assert.include(error.detail, "302")
      assert.strictEqual(receiver.received.length, 1)
      assert.isUndefined(receiver.received[0]?.headers["webhook-signature"])
    })
  )
})

/** What a server answers, and what is to come of it. */
const ANSWERS: ReadonlyArray<readonly [string, Reply, NotifyError["reason"], number | undefined]> = [
  ["429 with seconds", { status: 429, headers: { "retry-after": "7" } }, "Failed", 7000],
  ["503 with a date", { status: 503, headers: { "retry-after": "Thu, 01 Jan 2099 00:00:00 GMT" } }, "Failed", 1e9],
  ["500", { status: 500, body: `<html>${PROMPT}</html>` }, "Failed", undefined],
  ["404 that repeats the address", { status: 404, body: `Cannot POST /${PROMPT}` }, "Failed", undefined],
  ["403", { status: 403, body: "invalid_token" }, "Failed", undefined],
  ["400", { status: 400, body: "invalid_payload" }, "Refused", undefined],
  ["413", { status: 413 }, "Refused", undefined]
]

describe("an answer of HTTP", () => {
  for (const [name, reply, reason, retryAfter] of ANSWERS) {
    scoped(`${name} is told without the address`, () =>
      Effect.gen(function* () {
        const receiver = yield* makeReceiver
        receiver.reply = () => reply
        for (const type of ["webhook", "slack", "discord", "ntfy"] as const) {
          const channel = yield* open({ type, url: `${receiver.url}/${PROMPT}` })
          const error = problem(yield* send(channel))
          assert.strictEqual(error.reason, reason, type)
          if (retryAfter === undefined) assert.isUndefined(error.retryAfter)
          else assert.isAtLeast(error.retryAfter ?? 0, retryAfter)
          for (const secret of ["VERYSECRETPART", "B00000000", "127.0.0.1"])
            assert.notInclude(JSON.stringify(error), secret)
        }
      })
    )
  }

  scoped("that does not come is none, and a long one is not read to its end", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      const { url: closed } = yield* Effect.scoped(makeReceiver)
      const channel = yield* open({ type: "slack", url: `${closed}/${PROMPT}` })
      const error = problem(yield* send(channel))
      assert.deepStrictEqual([error.reason, error.detail], ["Failed", "it cannot be reached (ECONNREFUSED)"])
      receiver.reply = () => ({ status: 404, body: "x".repeat(1_000_000) })
      const long = problem(yield* send(yield* open({ type: "slack", url: `${receiver.url}/${PROMPT}` })))
      assert.isBelow(long.detail.length, 250)
    })
  )
})

describe("Slack", () => {
  scoped("shows hostile text as it is, and calls nobody", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      const channel = yield* open({ type: "slack", url: `${receiver.url}/${PROMPT}` })
      yield* channel.send(aNotice({ title: HOSTILE.join(" "), cause: HOSTILE.join(" "), details: HOSTILE }))
      const [body] = receiver.bodies
      assert.hasAllKeys(body, ["text"])
      const text = String(body?.text)
      assert.notMatch(text, /<[!@#]|<b>|@(?:channel|here|everyone|all)/)
      assert.strictEqual(text.match(/```/g)?.length, 2, "the block is closed by us alone")
      assert.isBelow(text.length, 4000)
    })
  )
})

describe("Discord", () => {
  scoped("may mention nobody, and its 2,000 characters are kept", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      receiver.reply = () => ({ status: 204 })
      const channel = yield* open({ type: "discord", url: `${receiver.url}/${PROMPT}` })
      const details = Array.from({ length: 25 }, (_, index) => `${index} ${HOSTILE.join(" ")}`)
      yield* channel.send(aNotice({ title: HOSTILE.join(" "), cause: HOSTILE.join(" "), details }))
      const [body] = receiver.bodies
      assert.deepStrictEqual(body?.allowed_mentions, { parse: [] })
      const content = String(body?.content)
      assert.isAtMost(content.length, 2000)
      assert.notMatch(content, /@(?:here|everyone)/)
      assert.strictEqual(content.match(/```/g)?.length, 2)
      receiver.reply = () => ({
        status: 429,
        body: '{"message":"You are being rate limited.","retry_after":2.5,"global":false}'
      })
      const limited = problem(yield* send(channel))
      assert.deepStrictEqual([limited.reason, limited.retryAfter], ["Failed", 2500])
      assert.include(limited.detail, "You are being rate limited.")
    })
  )
})

describe("ntfy", () => {
  scoped("gets the topic of its address, and a priority", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      receiver.reply = () => ({ status: 200, body: '{"id":"x","event":"message"}' })
      const channel = yield* open({ type: "ntfy", url: `${receiver.url}/my-topic`, token: "tk_verysecret" })
      yield* channel.send(
        aNotice({ severity: "critical", details: Array.from({ length: 25 }, () => "🦊".repeat(140)) })
      )
      const [one] = receiver.received
      assert.deepStrictEqual([one?.path, one?.headers.authorization], ["/", "Bearer tk_verysecret"])
      const [body] = receiver.bodies
      assert.deepStrictEqual([body?.topic, body?.priority, body?.title], ["my-topic", 5, "🔴 digest fails"])
      assert.isAtMost(Buffer.byteLength(String(body?.message)), 4096)
      receiver.reply = () => ({ status: 403, body: '{"code":40301,"http":403,"error":"forbidden"}' })
      assert.strictEqual(problem(yield* send(channel)).detail, "it answers 403: forbidden")
    })
  )
})

describe("Telegram", () => {
  scoped("gets plain text in its chat", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      receiver.reply = () => ({ status: 200, body: '{"ok":true,"result":{"message_id":1}}' })
      const token = "123456:AAH-very-secret"
      const channel = yield* open({ type: "telegram", token, chatId: -100123, server: receiver.url })
      yield* channel.send(aNotice({ details: Array.from({ length: 25 }, () => HOSTILE.join(" ")) }))
      const [body] = receiver.bodies
      assert.strictEqual(receiver.received[0]?.path, `/bot${token}/sendMessage`)
      assert.strictEqual(body?.chat_id, -100123)
      assert.notProperty(body, "parse_mode")
      assert.isAtMost(String(body?.text).length, 4096)
      assert.notMatch(String(body?.text), /@(?:here|everyone|all)/)
      receiver.reply = () => ({
        status: 429,
        body: '{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 14","parameters":{"retry_after":14}}'
      })
      assert.strictEqual(problem(yield* send(channel)).retryAfter, 14_000)
      receiver.reply = () => ({
        status: 400,
        body: '{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}'
      })
      const lost = problem(yield* send(channel))
      assert.deepStrictEqual([lost.reason, lost.detail], ["Failed", "it answers 400: Bad Request: chat not found"])
      receiver.reply = () => ({
        status: 400,
        body: '{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}'
      })
      assert.strictEqual(problem(yield* send(channel)).reason, "Refused")
    })
  )
})

/** A real SMTP server, which takes what it is told to. */
const makeMailServer = (options: ConstructorParameters<typeof SMTPServer>[0]) =>
  Effect.gen(function* () {
    const mails: Array<string> = []
    const server = new SMTPServer({
      disabledCommands: ["STARTTLS"],
      allowInsecureAuth: true,
      authOptional: true,
      onData: (stream, _session, done) => {
        const chunks: Array<Buffer> = []
        stream.on("data", (chunk) => chunks.push(chunk))
        stream.on("end", () => {
          mails.push(Buffer.concat(chunks).toString())
          done()
        })
      },
      ...options
    })
    server.on("error", () => {})
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.async<void>((resume) => server.close(() => resume(Effect.void)))
    )
    const address = server.server.address()
    const port = typeof address === "object" ? address?.port : undefined
    return { mails, port }
  })

describe("e-mail", () => {
  scoped("arrives as text, with an id by which a mailbox knows doubles", () =>
    Effect.gen(function* () {
      const { mails, port } = yield* makeMailServer({
        onAuth: ({ password }, _session, done) =>
          password === "pass:word" ? done(null, { user: "anna" }) : done(new Error("Invalid username or password"))
      })
      const url = `smtp://anna:${encodeURIComponent("pass:word")}@127.0.0.1:${port}`
      const from = "healing@example.com"
      const channel = yield* open({ type: "email", url, from, to: ["anna@example.com", "bob@example.com"] })
      yield* channel.send(aNotice({ title: HOSTILE.join(" "), cause: HOSTILE.join(" ") }))
      const [mail = ""] = mails
      const [head = ""] = mail.split("\r\n\r\n", 1)
      assert.match(head, /^To: anna@example\.com, bob@example\.com$/m)
      assert.notMatch(head, /^Bcc:/m)
      assert.match(head, /^Message-ID: <4d8b6c0e-8f7a-4a67-9a43-6a4f7d2b1c11@effect-healing>$/m)
      assert.match(head, /^Content-Type: text\/plain/m)
      const wrong = yield* open({ type: "email", url: url.replace("pass", "guess"), from, to: ["anna@example.com"] })
      const error = problem(yield* send(wrong))
      assert.strictEqual(error.reason, "Failed")
      assert.notMatch(JSON.stringify(error), /guess|anna/)
      assert.match(error.detail, /535, EAUTH/)
    })
  )

  scoped("that the server does not take is refused, or tried again", () =>
    Effect.gen(function* () {
      const fail = (responseCode: number) => Object.assign(new Error("no"), { responseCode })
      let code = 552
      const { port } = yield* makeMailServer({
        onData: (stream, _session, done) => {
          stream.on("data", () => {})
          stream.on("end", () => done(fail(code)))
        }
      })
      const channel = yield* open({
        type: "email",
        url: `smtp://127.0.0.1:${port}`,
        from: "a@example.com",
        to: ["b@example.com"]
      })
      assert.strictEqual(problem(yield* send(channel)).reason, "Refused")
      code = 451
      assert.strictEqual(problem(yield* send(channel)).reason, "Failed")
      const away = yield* open({
        type: "email",
        url: "smtp://127.0.0.1:1",
        from: "a@example.com",
        to: ["b@example.com"]
      })
      assert.match(problem(yield* send(away)).detail, /ESOCKET|ECONNECTION|ECONNREFUSED/)
    })
  )
})

describe("a command", () => {
  const write = (folder: string, code: string) => {
    const file = join(folder, "tell.mjs")
    writeFileSync(file, code)
    return [process.execPath, file] as const
  }

  scoped("gets JSON on its standard input, and none of the secrets of channels in its environment", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      const out = join(folder, "out.json")
      const command = write(
        folder,
        `import { readFileSync, writeFileSync } from "node:fs"
        writeFileSync(${JSON.stringify(out)}, JSON.stringify({ input: readFileSync(0, "utf8"), url: process.env.SLACK_URL, args: process.argv.slice(2) }))`
      )
      process.env.SLACK_URL = "https://hooks.example.com/secret"
      yield* Effect.addFinalizer(() => Effect.sync(() => delete process.env.SLACK_URL))
      const channels = {
        slack: { type: "slack", urlEnv: "SLACK_URL" },
        program: { type: "command", command: [...command, "$(id)", "; id"] }
      } as const
      const [slack, channel] = yield* Effect.gen(function* () {
        return yield* Channels.make((yield* HealingConfig).notify.channels)
      }).pipe(Effect.provide(Layer.merge(HealingConfig.layer({ notify: { channels } }), NodeContext.layer)))
      assert.strictEqual(slack?.name, "slack")
      yield* (channel as Channel).send(aNotice({ title: "a title with 'quotes' and $HOME" }))
      const found = JSON.parse(readFileSync(out, "utf8"))
      assert.strictEqual(JSON.parse(found.input).title, "a title with 'quotes' and $HOME")
      assert.deepStrictEqual([found.url, found.args], ["", ["$(id)", "; id"]])
    })
  )

  scoped("that fails is tried again, one that refuses is not, and one that is missing is named", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      const command = write(
        folder,
        `console.error("no pager, password=hunter2secret"); process.exit(Number(process.argv[2]))`
      )
      const result = (code: number) =>
        Effect.map(Effect.flatMap(open({ type: "command", command: [...command, `${code}`] }), send), problem)
      const failed = yield* result(1)
      assert.deepStrictEqual([failed.reason, (yield* result(65)).reason], ["Failed", "Refused"])
      assert.include(failed.detail, "the program has ended with 1: no pager")
      assert.notInclude(failed.detail, "hunter2secret")
      const missing = problem(yield* Effect.flatMap(open({ type: "command", command: ["no-such-pager"] }), send))
      assert.strictEqual(missing.detail, 'there is no program "no-such-pager"')
    })
  )

  scoped("that hangs is killed with its group", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      const ready = join(folder, "ready")
      const command = write(
        folder,
        `import { spawn } from "node:child_process"
        import { connect } from "node:net"
        import { writeFileSync } from "node:fs"
        process.on("SIGTERM", () => {})
        const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); process.on('SIGTERM', () => {})"])
        writeFileSync(${JSON.stringify(ready)}, String(child.pid))
        setInterval(() => {}, 1000)`
      )
      const channel = yield* open({ type: "command", command })
      const fs = yield* FileSystem.FileSystem
      const watched = fs.watch(folder).pipe(
        Stream.filter(({ path }) => path.endsWith("ready")),
        Stream.mapEffect(() => Effect.option(fs.readFileString(ready))),
        Stream.filterMap(Option.filter((pid) => pid !== "")),
        Stream.runHead
      )
      const pid = yield* Effect.raceFirst(
        watched,
        Effect.as(Effect.exit(channel.send(aNotice())), Option.none<string>())
      )
      assert.isTrue(Option.isSome(pid))
      const isAlive = (id: number) => {
        try {
          // A zombie that nobody has waited for is no process any more.
          return !readFileSync(`/proc/${id}/stat`, "utf8").includes(") Z ")
        } catch {
          return false
        }
      }
      assert.isFalse(isAlive(Number(Option.getOrThrow(pid))), "what it has started is gone, too")
    }).pipe(Effect.provide(NodeContext.layer))
  )
})

it("nothing that stands in a text calls anybody or is a format", () => {
  FastCheck.assert(
    FastCheck.property(
      FastCheck.array(
        FastCheck.oneof(FastCheck.constantFrom(...HOSTILE, "@", "`", "<", "*", "\\"), FastCheck.string()),
        {
          maxLength: 8
        }
      ),
      (parts) => {
        const text = parts.join("")
        assert.notMatch(forSlack(text), /[<>]|@\w/)
        assert.notMatch(forDiscord(text), /@\w|(?<!\\)(?:\\\\)*[*_~`|>[\]<#]/)
      }
    ),
    parameters(runsOf({ few: 300, many: 10_000 }), "test/notify/channels.test.ts")
  )
})

describe("whatever a notice says", () => {
  const anything = FastCheck.array(
    FastCheck.oneof(
      FastCheck.constantFrom(...HOSTILE, "@", "`", "``", "<", "&", "*", "\\", "🦊", "漢", "a"),
      FastCheck.string()
    ),
    { minLength: 1, maxLength: 400 }
  ).map((parts) => parts.join(""))

  const notice = FastCheck.record({
    title: anything,
    cause: anything,
    todo: anything,
    details: FastCheck.array(anything, { maxLength: 25 }),
    file: anything,
    command: anything
  })

  scoped("no message is longer than its channel takes", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      receiver.reply = () => ({ status: 200, body: "{}" })
      const url = `${receiver.url}/topic`
      const channels = yield* Effect.forEach(
        [
          { type: "slack", url },
          { type: "discord", url },
          { type: "ntfy", url },
          { type: "telegram", token: "1:x", chatId: 7, server: receiver.url }
        ] as const,
        (input) => open(input)
      )
      const [slack, discord, ntfy, telegram] = channels
      const messageOf = (channel: Channel | undefined, one: Notice) =>
        Effect.map(channel === undefined ? Effect.void : channel.send(one), () =>
          JSON.parse(receiver.received.at(-1)?.body ?? "{}")
        )
      const runPromise = Runtime.runPromise(yield* Effect.runtime())
      const runs = runsOf({ few: 3, many: 300 })
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(notice, (fields) =>
            runPromise(
              Effect.gen(function* () {
                const one = aNotice(fields)
                assert.isAtMost((yield* messageOf(slack, one)).text.length, 4000)
                assert.isAtMost((yield* messageOf(discord, one)).content.length, 2000)
                assert.isAtMost(Buffer.byteLength((yield* messageOf(ntfy, one)).message), 4096)
                assert.isAtMost((yield* messageOf(telegram, one)).text.length, 4096)
                for (const text of [one.title, one.cause ?? "", one.file ?? "", one.command ?? "", ...one.details])
                  assert.notMatch(text, /[\r\n]/)
              })
            )
          ),
          parameters(runs, "test/notify/channels.test.ts")
        )
      )
    })
  )
})

describe("a server", () => {
  scoped("that has taken a notice has, however long it goes on talking", () =>
    Effect.gen(function* () {
      const server = createServer((_request, response) => {
        response.writeHead(200)
        response.write("it goes on")
      })
      yield* Effect.acquireRelease(
        Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.sync(() => server.close().closeAllConnections())
      )
      const { port } = server.address() as AddressInfo
      const channel = yield* open({ type: "webhook", url: `http://127.0.0.1:${port}/` })
      yield* channel.send(aNotice())
    })
  )

  scoped("gets the user and the password of its address as HTTP has them", () =>
    Effect.gen(function* () {
      const receiver = yield* makeReceiver
      const url = receiver.url.replace("http://", "http://anna:p%40ss@")
      yield* Effect.flatMap(open({ type: "webhook", url }), ({ send }) => send(aNotice()))
      const authorization = `Basic ${Buffer.from("anna:p@ss").toString("base64")}`
      assert.strictEqual(receiver.received[0]?.headers.authorization, authorization)
      receiver.reply = () => ({ status: 401, body: "anna:p%40ss is not known" })
      const error = problem(yield* Effect.flatMap(open({ type: "webhook", url }), send))
      assert.notInclude(error.detail, "p%40ss")
    })
  )

  scoped("for mail that only drips is left, and no connection stays", () =>
    Effect.gen(function* () {
      const sockets = new Set<Socket>()
      const isOpen = yield* Deferred.make<void>()
      const isClosed = yield* Deferred.make<void>()
      const server = createTcpServer((socket) => {
        sockets.add(socket)
        socket.write("220 drip ESMTP\r\n")
        socket.on("error", () => {})
        socket.on("data", () => {
          socket.write("250-")
          Deferred.unsafeDone(isOpen, Effect.void)
        })
        socket.on("close", () => Deferred.unsafeDone(isClosed, Effect.void))
      })
      yield* Effect.acquireRelease(
        Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () =>
          Effect.sync(() => {
            for (const socket of sockets) socket.destroy()
            server.close()
          })
      )
      const { port } = server.address() as AddressInfo
      const channel = yield* open({
        type: "email",
        url: `smtp://127.0.0.1:${port}`,
        from: "a@example.com",
        to: ["b@example.com"]
      })
      const fiber = yield* Effect.fork(channel.send(aNotice()))
      yield* Deferred.await(isOpen)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(isClosed)
    })
  )

  scoped("for mail may speak TLS from the start", () =>
    Effect.gen(function* () {
      const { mails, port } = yield* makeMailServer({ secure: true })
      const to = { from: "a@example.com", to: ["b@example.com"] }
      const url = `smtps://127.0.0.1:${port}/`
      // Its certificate is signed by nobody.
      assert.match(
        problem(yield* Effect.flatMap(open({ type: "email", url, ...to }), send)).detail,
        /certificate|ESOCKET|SELF_SIGNED|ETLS/i
      )
      yield* Effect.flatMap(open({ type: "email", url: `${url}?tls.rejectUnauthorized=false`, ...to }), (channel) =>
        channel.send(aNotice())
      )
      assert.include(mails.join(""), "Look at its log")
    })
  )
})

describe("settings of a channel that are wrong", () => {
  const secret = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"

  const cases: ReadonlyArray<readonly [string, unknown, RegExp]> = [
    ["no type", { url: "https://x" }, /one: type: webhook, slack, discord/],
    ["a type of every object", { type: "constructor" }, /one: type: webhook, slack/],
    ["no address", { type: "slack" }, /one: one of url, urlEnv, urlFile/],
    ["two addresses", { type: "slack", url: "https://x", urlEnv: "X" }, /one: one of url, urlEnv, urlFile/],
    ["a misspelt key", { type: "slack", ulr: secret }, /one: ulr: a known key \(did you mean url\?\)/],
    [
      "an address of another kind",
      { type: "slack", url: `ftp://${secret}` },
      /notify\.channels\.one\.url .*https:\/\/ or http:\/\//
    ],
    ["no address at all", { type: "slack", url: secret }, /notify\.channels\.one\.url/],
    [
      "a token in place of a variable",
      { type: "ntfy", url: "https://ntfy.sh/x", tokenEnv: secret },
      /tokenEnv .*an environment variable that is set/
    ],
    ["a topic that is none", { type: "ntfy", url: "https://ntfy.sh/%E0%A4%A" }, /ends with a topic/],
    ["no topic", { type: "ntfy", url: "https://ntfy.sh" }, /ends with a topic/],
    ["a secret that is too short", { type: "webhook", url: "https://x", secret: "YQ==" }, /24 to 64 bytes/],
    ["a kind that there is not", { type: "app", kinds: ["JobFails"] }, /one: kinds\.?0?: .*JobFailing/],
    ["a severity that there is not", { type: "app", severity: "urgent" }, /one: severity: low, medium, high, critical/],
    ["no Notifier", { type: "app" }, /a Notifier beside it/],
    ["no addressee", { type: "email", url: "smtp://x", from: "a@example.com", to: [] }, /one: to: a list of 1 to 100/],
    ["a command that is a text", { type: "command", command: "tell" }, /one: command: a command, which is a list/],
    ["a target that is an option", { type: "openclaw", channel: "whatsapp", target: "--json" }, /one: target: /]
  ]
  for (const [name, input, expected] of cases) {
    scoped(`are refused without what is secret: ${name}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(open(input as NotifyChannelInput))
        assert.match(error.message, expected)
        assert.notInclude(JSON.stringify(error), secret)
      })
    )
  }

  scoped("are found in the environment and in files that only their user may read", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      const receiver = yield* makeReceiver
      const file = join(folder, "slack")
      writeFileSync(file, `${receiver.url}/from-a-file\n`, { mode: 0o600 })
      yield* Effect.flatMap(open({ type: "slack", urlFile: file }), ({ send }) => send(aNotice()))
      yield* Effect.flatMap(
        open({ type: "slack", urlEnv: "SLACK_URL" }, { SLACK_URL: `${receiver.url}/from-a-variable` }),
        ({ send }) => send(aNotice())
      )
      assert.deepStrictEqual(
        receiver.received.map(({ path }) => path),
        ["/from-a-file", "/from-a-variable"]
      )
      chmodSync(file, 0o640)
      const refused = yield* Effect.flip(open({ type: "slack", urlFile: file }))
      assert.match(refused.message, /urlFile .*chmod 600.*which others may read/)
      const missing = yield* Effect.flip(open({ type: "slack", urlFile: join(folder, "none") }))
      assert.match(missing.message, /cannot be read: no such file/)
    })
  )

  scoped("are read from YAML, in which they are written in snake case", () =>
    Effect.gen(function* () {
      const file = join(yield* inFolder, "healing.yaml")
      const yaml = (channels: string, others = "") =>
        Effect.sync(() => writeFileSync(file, `healing:\n  notify:\n${others}    channels:\n      one: ${channels}\n`))
      const load = Effect.provide(
        HealingConfig,
        Layer.provide(HealingConfig.layerLoad({ yaml: file }), NodeContext.layer)
      )
      yield* yaml(
        "{ type: telegram, token_env: TOKEN, chat_id: 7, severity: high, jobs: [digest-*] }",
        "    quiet_hours: { from: '22:00', to: '07:00', time_zone: UTC }\n    digest: { frequency: weekly, time: '09:00', time_zone: UTC }\n    remind_after: infinity\n"
      )
      const { notify } = yield* load
      assert.deepStrictEqual<unknown>(notify.channels.one, {
        type: "telegram",
        tokenEnv: "TOKEN",
        chatId: 7,
        severity: "high",
        jobs: ["digest-*"]
      })
      assert.deepStrictEqual(notify.quietHours, { from: "22:00", to: "07:00", timeZone: "UTC" })
      assert.deepStrictEqual<unknown>(notify.digest, {
        frequency: "weekly",
        day: "monday",
        time: "09:00",
        timeZone: "UTC"
      })
      yield* yaml(`{ type: slack, ulr: ${secret} }`)
      const error = yield* Effect.flip(load)
      assert.match(error.message, /one: ulr: a known key \(did you mean url\?\)/)
      assert.notInclude(error.message, secret)
      writeFileSync(file, `healing:\n  notify: ${secret}\n`)
      assert.notInclude((yield* Effect.flip(load)).message, secret)
      for (const others of [
        "    quiet_hours: { from: '22:00', to: '22:00' }\n",
        "    quiet_hours: { from: '25:00', to: '22:00' }\n",
        "    digest: { frequency: hourly }\n",
        "    max_per_hour: 0\n"
      ]) {
        yield* yaml("{ type: app }", others)
        assert.match((yield* Effect.flip(load)).message, /notify\.(quiet_hours|digest|max_per_hour)/)
      }
    })
  )
})
