/** A real HTTP server on this machine that answers as the test says, and keeps what it was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"

/** One request as it came. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** What it answers: a status, headers and a body; or nothing at all. */
export type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | "hangs"

export class Receiver {
  readonly received: Array<Received> = []
  reply: (request: Received) => Reply = () => ({ status: 200, body: "ok" })

  constructor(readonly url: string) {}

  get bodies(): ReadonlyArray<Record<string, unknown>> {
    return this.received.map(({ body }) => JSON.parse(body))
  }
}

export const makeReceiver = Effect.map(
  Effect.acquireRelease(
    Effect.async<{ readonly close: () => void; readonly receiver: Receiver }>((resume) => {
      let receiver: Receiver | undefined
      const answer = (request: IncomingMessage, response: ServerResponse) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk) => chunks.push(chunk))
        request.on("end", () => {
          const { headers, method = "", url: path = "" } = request
          const one = { method, path, headers, body: Buffer.concat(chunks).toString() }
          receiver?.received.push(one)
          const reply = receiver?.reply(one) ?? "hangs"
          if (reply === "hangs") return
          response.writeHead(reply.status, reply.headers).end(reply.body ?? "")
        })
      }
      const server = createServer(answer).listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        receiver = new Receiver(`http://127.0.0.1:${port}`)
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ close, receiver }))
      })
    }),
    ({ close }) => Effect.sync(close)
  ),
  ({ receiver }) => receiver
)
