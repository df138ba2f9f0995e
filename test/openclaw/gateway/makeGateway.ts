/** A gateway over real sockets that says what a test wants it to say. */
import { createServer, type IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { Effect } from "effect"
import { type WebSocket, WebSocketServer } from "ws"

/** What it answers: a payload, an error, a frame that is sent as it is, or nothing. */
export type Answer =
  | { readonly payload: unknown }
  | { readonly error: unknown }
  | { readonly raw: string }
  | "nothing"
  | "breaks off"

export interface FakeGateway {
  readonly url: string
  /** What was asked, in order. */
  readonly asked: Array<{ readonly method: string; readonly params: unknown }>
  /** How it answers to each method; what is not named here is refused. */
  readonly answers: Record<string, Answer | ((params: never) => Answer)>
  /** How many have come to connect. */
  readonly connections: () => number
  /** Instead of opening a connection. */
  refuse: ((socket: Duplex, request: IncomingMessage) => void) | undefined
  readonly tell: (event: string, payload: unknown) => void
  readonly send: (raw: string) => void
  /** Ends all connections. */
  readonly drop: (code?: number) => void
  readonly open: () => number
}

export const hello = (changed: object = {}) => ({
  payload: {
    type: "hello-ok",
    protocol: 4,
    server: { version: "2026.9.6", bootId: "boot-1", connId: "c" },
    features: {
      methods: ["gateway.restart.preflight", "sessions.subscribe", "cron.list", "cron.runs", "usage.status"],
      events: []
    },
    snapshot: { uptimeMs: 3_600_000 },
    policy: { tickIntervalMs: 30_000 },
    ...changed
  }
})

export const active = (totalActive: number) => ({
  payload: { safe: totalActive === 0, counts: { rootRequests: totalActive, totalActive }, blockers: [], summary: "" }
})

export const makeGateway = Effect.acquireRelease(
  Effect.async<FakeGateway & { readonly close: () => void }>((resume) => {
    const asked: FakeGateway["asked"] = []
    const answers: FakeGateway["answers"] = {
      connect: hello(),
      "sessions.subscribe": { payload: { subscribed: true } },
      "gateway.restart.preflight": active(0),
      "cron.list": { payload: { jobs: [], nextOffset: null } },
      "usage.status": { payload: { updatedAt: 1, providers: [] } }
    }
    let connections = 0
    const sockets = new WebSocketServer({ noServer: true })
    const all = new Set<Duplex>()
    const server = createServer((_, response) => response.writeHead(404).end())
    server.on("upgrade", (request, socket, head) => {
      connections++
      all.add(socket)
      socket.on("error", () => {})
      if (gateway.refuse !== undefined) return gateway.refuse(socket, request)
      sockets.handleUpgrade(request, socket, head, (opened: WebSocket) => {
        opened.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "n", ts: 1 } }))
        opened.on("message", (data) => {
          const { id, method, params } = JSON.parse(String(data))
          asked.push({ method, params })
          const own = answers[method]
          // Each test knows what its own answers take.
          const answer = typeof own === "function" ? own(params as never) : own
          if (answer === "nothing") return
          // The head of a text of 1000 bytes, and the first of them.
          if (answer === "breaks off")
            return socket.end(Buffer.from([0x81, 126, 0x03, 0xe8, 0x7b]), () => socket.destroy())
          if (answer === undefined) {
            return opened.send(JSON.stringify({ type: "res", id, ok: false, error: { code: "INVALID_REQUEST" } }))
          }
          if ("raw" in answer) return opened.send(answer.raw)
          opened.send(JSON.stringify({ type: "res", id, ok: "payload" in answer, ...answer }))
        })
      })
    })
    const send = (raw: string) => {
      for (const client of sockets.clients) client.send(raw)
    }
    const gateway = {
      url: "",
      asked,
      answers,
      connections: () => connections,
      refuse: undefined as FakeGateway["refuse"],
      tell: (event: string, payload: unknown) => send(JSON.stringify({ type: "event", event, payload, seq: 1 })),
      send,
      drop: (code = 1006) => {
        for (const client of sockets.clients) code === 1006 ? client.terminate() : client.close(code)
      },
      open: () => sockets.clients.size,
      close: () => {
        for (const socket of all) socket.destroy()
        server.close()
      }
    }
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      gateway.url = `ws://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
      resume(Effect.succeed(gateway))
    })
  }),
  ({ close }) => Effect.sync(close)
)
