/** A gateway of which everything is known, on a clock that goes only when told to: what it does, when it tells of it, and how late. */
import type { SteppedClock } from "../../properties/Stepped.js"

type Listener = (event: object) => void

/** As much of a `WebSocket` as Effect's `Socket` uses. */
class FakeSocket {
  readyState = 0
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #gateway: Gateway
  /** What is on its way to the client, in the order in which it was sent. */
  readonly queue: Array<{ at: number; frame: object }> = []
  subscribed = false

  constructor(gateway: Gateway) {
    this.#gateway = gateway
  }

  addEventListener(type: string, listener: Listener) {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener))
  }

  removeEventListener(type: string, listener: Listener) {
    this.#listeners.get(type)?.delete(listener)
  }

  emit(type: string, event: object) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) listener(event)
  }

  send(text: string) {
    this.#gateway.receive(this, JSON.parse(text))
  }

  close() {
    this.#gateway.drop(this, 1000)
  }
}

interface Work {
  /** Whether it tells of itself. */
  readonly isLoud: boolean
  readonly until: number
}

/** How late things are, in milliseconds. */
export interface Lateness {
  readonly up: number
  readonly down: number
  readonly event: number
}

export class Gateway {
  readonly #clock: SteppedClock
  readonly #sockets = new Set<FakeSocket>()
  /** What happens at what time. */
  #plans: Array<{ at: number; what: () => void }> = []
  #work = new Set<Work>()
  #isUp = true
  #boot = 1
  #startedAt: number
  #frozenUntil = 0
  /** Until when nothing that it sends arrives. */
  #stalledUntil = 0
  /** Since when it works without a gap, and since when in this time the client has been told. */
  workingSince: number | undefined = undefined
  toldAt: number | undefined = undefined
  /** When a client was told last that it works, or was connected. */
  lastSign = 0
  late: Lateness = { up: 0, down: 0, event: 0 }

  constructor(clock: SteppedClock) {
    this.#clock = clock
    this.#startedAt = clock.unsafeCurrentTimeMillis() - 3_600_000
  }

  get now(): number {
    return this.#clock.unsafeCurrentTimeMillis()
  }

  readonly connect = (): FakeSocket => {
    const socket = new FakeSocket(this)
    this.#sockets.add(socket)
    this.plan(this.late.up + 1, () => {
      if (!this.#sockets.has(socket)) return
      if (!this.#isUp) return this.drop(socket, 1006)
      socket.readyState = 1
      socket.emit("open", {})
      this.#send(socket, { type: "event", event: "connect.challenge", payload: {} })
    })
    return socket
  }

  plan(after: number, what: () => void) {
    this.#plans.push({ at: this.now + after, what })
  }

  /** When it does something next. */
  get next(): number {
    const queued = [...this.#sockets].flatMap(({ queue }) =>
      queue.slice(0, 1).map(({ at }) => Math.max(at, this.#stalledUntil))
    )
    return Math.min(...this.#plans.map(({ at }) => at), ...queued)
  }

  /** Does one thing that is due. */
  step(): boolean {
    const plan = this.#plans.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at)[0]
    if (plan !== undefined) {
      this.#plans = this.#plans.filter((one) => one !== plan)
      plan.what()
      return true
    }
    for (const socket of this.#sockets) {
      const [first] = socket.queue
      if (first === undefined || Math.max(first.at, this.#stalledUntil) > this.now) continue
      socket.queue.shift()
      this.#deliver(socket, first.frame)
      return true
    }
    return false
  }

  #send(socket: FakeSocket, frame: object, late = this.late.down) {
    const last = socket.queue.at(-1)?.at ?? 0
    socket.queue.push({ at: Math.max(last, this.now + late), frame })
  }

  #deliver(socket: FakeSocket, frame: object) {
    const text = JSON.stringify(frame)
    const isSign = /"event":"(?:agent|sessions.changed)"/.test(text) || /"totalActive":[1-9]/.test(text)
    if (isSign || text.includes("hello-ok")) this.lastSign = this.now
    if (isSign && this.workingSince !== undefined) this.toldAt ??= this.now
    socket.emit("message", { data: text })
  }

  receive(socket: FakeSocket, { id, method }: { id: string; method: string }) {
    const arrives = this.now + this.late.up
    const answer = () => {
      if (!this.#sockets.has(socket)) return
      // One that is frozen answers from what is so when it goes on.
      if (this.now < this.#frozenUntil) return this.plan(this.#frozenUntil - this.now, answer)
      const payload = this.#answer(socket, method)
      this.#send(socket, payload === undefined ? refused(id) : { type: "res", id, ok: true, payload })
    }
    this.plan(arrives - this.now, answer)
  }

  #answer(socket: FakeSocket, method: string): object | undefined {
    if (method === "connect") {
      const uptimeMs = this.now - this.#startedAt
      return {
        type: "hello-ok",
        server: { bootId: `boot-${this.#boot}` },
        snapshot: { uptimeMs },
        policy: { tickIntervalMs: 30_000 }
      }
    }
    if (method === "sessions.subscribe") {
      socket.subscribed = true
      return { subscribed: true }
    }
    if (method === "gateway.restart.preflight") return { safe: false, counts: { totalActive: this.#work.size } }
    return undefined
  }

  /** `code`: with which the connection closes. */
  drop(socket: FakeSocket, code: number) {
    if (!this.#sockets.delete(socket)) return
    socket.readyState = 3
    socket.emit("close", { code, reason: "" })
  }

  /** All connections are lost. */
  lose(code: number) {
    this.toldAt = undefined
    for (const socket of [...this.#sockets]) this.drop(socket, code)
  }

  /** It answers nothing for so long, and tells nothing. */
  freeze(time: number) {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.now + time)
    this.stall(time)
  }

  /** What it sends arrives only after so long. */
  stall(time: number) {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.now + time)
  }

  #update() {
    if (this.#work.size > 0 || this.#resuming) this.workingSince ??= this.now
    else {
      this.workingSince = undefined
      this.toldAt = undefined
    }
  }

  /** Whether it was killed at work, and is to go on with that. */
  #resuming = false

  get isResuming(): boolean {
    return this.#resuming
  }

  /** It works for so long. One that is loud tells of its beginning and its end, and of the end again, late. */
  work(time: number, isLoud: boolean) {
    if (!this.#isUp) return
    const work = { isLoud, until: this.now + time }
    this.#work.add(work)
    this.#update()
    if (isLoud) this.#event()
    this.plan(time, () => {
      if (!this.#work.delete(work)) return
      this.#update()
      if (!isLoud) return
      this.#event()
      this.plan(700, () => this.#event())
    })
  }

  /** An event of which nothing can be told but that it works, or has worked. */
  #event() {
    for (const socket of this.#sockets) {
      if (socket.subscribed)
        this.#send(socket, { type: "event", event: "agent", payload: { runId: "r" } }, this.late.event)
    }
  }

  /** It is killed, is away for so long, and goes on then with what it did, after so long without a trace of it; if it does. */
  restart(away: number, resumesAfter: number | undefined) {
    if (!this.#isUp) return
    const hadWork = this.#work.size > 0
    this.#isUp = false
    this.#work.clear()
    this.#resuming = hadWork && resumesAfter !== undefined
    this.#update()
    this.lose(1006)
    this.plan(away, () => {
      this.#isUp = true
      this.#boot++
      this.#startedAt = this.now - 5000
      if (!this.#resuming || resumesAfter === undefined) return
      // From its first answer on.
      this.plan(resumesAfter, () => {
        this.#resuming = false
        this.work(8000, true)
        this.#update()
      })
    })
  }
}

const refused = (id: string) => ({ type: "res", id, ok: false, error: { code: "INVALID_REQUEST", message: "" } })
