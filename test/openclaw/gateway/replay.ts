/** A server that does over real sockets what the gateway of a recording did, at the times at which it did it. */
import type { Clock } from "effect"
import { Effect } from "effect"
import { type WebSocket, WebSocketServer } from "ws"
import type { RecordedFrame, Recording } from "./recordings.js"

/** A time in which the recorded connection was open, or was refused after it had opened. */
interface Session {
  readonly from: number
  readonly to: number
  readonly code: number
  /** The answer to `connect`. */
  readonly hello: RecordedFrame["frame"]
}

/** A question for how much there was to do, and its answer. */
interface Exchange {
  readonly asked: number
  readonly latency: number
  readonly answer: RecordedFrame["frame"]
}

const sessionsOf = (frames: ReadonlyArray<RecordedFrame>): ReadonlyArray<Session> => {
  const watch = frames.filter(({ conn }) => conn === "watch")
  const hellos = watch.filter(
    ({ frame }) => frame.type === "res" && (frame.payload?.type === "hello-ok" || frame.ok === false)
  )
  const closes = watch.filter(({ frame }) => frame.local === "close")
  const opens = watch.filter(({ frame }) => frame.local === "open")
  return opens.flatMap(({ t }) => {
    const hello = hellos.find((one) => one.t >= t)
    const close = closes.find((one) => one.t >= t)
    return hello === undefined || close === undefined || hello.t > close.t
      ? []
      : [{ from: t, to: close.t, code: close.frame.code ?? 1006, hello: hello.frame }]
  })
}

const exchangesOf = (frames: ReadonlyArray<RecordedFrame>): ReadonlyArray<Exchange> =>
  frames.flatMap(({ conn, frame, t }) => {
    if (frame.method !== "gateway.restart.preflight") return []
    const answer = frames.find(
      (one) => one.conn === conn && one.frame.type === "res" && one.frame.id === frame.id && one.t >= t
    )
    return answer === undefined ? [] : [{ asked: t, latency: answer.t - t, answer: answer.frame }]
  })

/** The address of the server, for as long as the scope is open. */
export const serve = (recording: Recording, clock: Clock.Clock, speed: number) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly late: () => number; readonly close: () => void }>((resume) => {
      const { frames } = recording
      const sessions = sessionsOf(frames)
      const exchanges = exchangesOf(frames)
      const now = () => clock.unsafeCurrentTimeMillis()
      // A machine that has more to do plays a recording later than it was made.
      let late = 0
      const timers = new Set<NodeJS.Timeout>()
      const at = (time: number, what: () => void) => {
        const timer = setTimeout(
          () => {
            timers.delete(timer)
            late = Math.max(late, now() - time)
            what()
          },
          Math.max(0, time - now()) / speed
        )
        timers.add(timer)
      }
      const events = frames.filter(({ conn, frame }) => conn === "watch" && frame.type === "event")
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const close = () => {
          for (const timer of timers) clearTimeout(timer)
          for (const client of server.clients) client.terminate()
          server.close()
        }
        resume(Effect.succeed({ url: `ws://127.0.0.1:${port}`, late: () => late, close }))
      })
      server.on("connection", (socket: WebSocket) => {
        // One that comes a moment early is let in, since it is the first one to come.
        const session = sessions.find(({ from, to }) => now() >= from - 500 && now() < to)
        if (session === undefined) return socket.terminate()
        const send = (frame: object) => {
          if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame))
        }
        send({ type: "event", event: "connect.challenge", payload: { nonce: "n", ts: now() } })
        at(session.to, () =>
          session.code === 1006 ? socket.terminate() : socket.close(session.code === 1005 ? 1000 : session.code)
        )
        for (const { frame, t } of events) {
          if (frame.event === "connect.challenge" || t < now() || t >= session.to) continue
          at(t, () => send(frame))
        }
        socket.on("message", (data) => {
          const { id, method } = JSON.parse(String(data))
          if (method === "connect") return send({ ...session.hello, id })
          if (method === "sessions.subscribe") return send({ type: "res", id, ok: true, payload: { subscribed: true } })
          if (method === "gateway.restart.preflight") {
            const asked = now()
            const own = exchanges.filter((one) => one.asked >= session.from && one.asked < session.to)
            const nearest = own.reduce<Exchange | undefined>(
              (best, one) =>
                best === undefined || Math.abs(one.asked - asked) < Math.abs(best.asked - asked) ? one : best,
              undefined
            )
            if (nearest !== undefined)
              at(Math.max(asked, nearest.asked) + nearest.latency, () => send({ ...nearest.answer, id }))
            return
          }
          send({ type: "res", id, ok: false, error: { code: "INVALID_REQUEST", message: "not recorded" } })
        })
      })
    }),
    ({ close }) => Effect.sync(close)
  )
