/**
 * The sessions of the page: who has a link with a code gets one, and comes with it from then on. They are in memory, so that the end of the
 * process ends them all.
 *
 * @internal
 */
import { createHash, randomBytes } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Clocks from "../internal/Clocks.js"
import type { Caller } from "./Rights.js"

/**
 * How long a code is good for.
 *
 * @internal
 */
export const CODE_LASTS = Duration.minutes(2)

/**
 * A session that is not used for so long is over. A page that is open uses it.
 *
 * @internal
 */
export const SESSION_LASTS = Duration.hours(12)

/**
 * It ends after so long, however much it is used.
 *
 * @internal
 */
export const SESSION_ENDS = Duration.days(7)

/** Of each there may be so many. One more is in the place of the one that ends first. */
const MAX = 100

/** A token of a file never begins like this. */
const PREFIX = "healing_session_"

/**
 * - `link`: a code for a session of this caller, who is admitted as long as the process lives, with the instant at which it ends.
 * - `open`: takes a code, which does not count from then on, and gives a session and its caller. It gives none if the code does not count.
 * - `find`: who comes with this session.
 *
 * @internal
 */
export interface Sessions {
  readonly link: (caller: Caller) => Effect.Effect<{ readonly code: string; readonly until: number }>
  readonly open: (
    code: string
  ) => Effect.Effect<Option.Option<{ readonly session: Redacted.Redacted; readonly caller: Caller }>>
  readonly find: (session: Redacted.Redacted) => Effect.Effect<Option.Option<Caller>>
}

/** @internal */
export const isSession = (bearer: Redacted.Redacted): boolean => Redacted.value(bearer).startsWith(PREFIX)

const random = Effect.sync(() => randomBytes(32).toString("base64url"))

/** Only hashes are kept and looked for, so that the time of a look tells nothing. */
const hash = (text: string): string => createHash("sha256").update(text).digest("base64")

/** By the steady clock: nobody comes in for longer where the wall clock is set. */
const now = Effect.map(Effect.clock, (clock) => Clocks.millis(clock))

/**
 * - `until`: when it ends if it is not renewed; `end`: when it ends in any case.
 */
interface Kept {
  readonly caller: Caller
  readonly until: number
  readonly end: number
}

/** Those of one kind, the first to end first. Each step is one, whoever else takes one. */
class Keeping {
  private readonly kept = new Map<string, Kept>()

  constructor(
    private readonly lasts: Duration.Duration,
    private readonly ends: Duration.Duration
  ) {}

  readonly keep = (secret: string, caller: Caller): Effect.Effect<void> =>
    Effect.map(now, (now) => this.put(hash(secret), caller, now, now + Duration.toMillis(this.ends)))

  /** It is not kept any more. */
  readonly take = (secret: string): Effect.Effect<Option.Option<Caller>> =>
    Effect.map(now, (now) => Option.map(this.remove(hash(secret), now), ({ caller }) => caller))

  /** It is kept as long again. */
  readonly renew = (secret: string): Effect.Effect<Option.Option<Caller>> =>
    Effect.map(now, (now) => {
      const key = hash(secret)
      return Option.map(this.remove(key, now), ({ caller, end }) => {
        this.put(key, caller, now, end)
        return caller
      })
    })

  private put(key: string, caller: Caller, now: number, end: number): void {
    const [first] = this.kept.keys()
    if (first !== undefined && this.kept.size >= MAX) this.kept.delete(first)
    this.kept.set(key, { caller, until: Math.min(now + Duration.toMillis(this.lasts), end), end })
  }

  private remove(key: string, now: number): Option.Option<Kept> {
    const found = this.kept.get(key)
    this.kept.delete(key)
    return found !== undefined && now < found.until ? Option.some(found) : Option.none()
  }
}

/** @internal */
export const make = (): Sessions => {
  const codes = new Keeping(CODE_LASTS, CODE_LASTS)
  const sessions = new Keeping(SESSION_LASTS, SESSION_ENDS)

  const find = (session: Redacted.Redacted): Effect.Effect<Option.Option<Caller>> =>
    Effect.map(
      sessions.renew(Redacted.value(session)),
      Option.map((maker) => ({ ...maker, door: "page", isStillAdmitted: Effect.map(find(session), Option.isSome) }))
    )

  return {
    link: (caller) =>
      Effect.gen(function* () {
        const code = yield* random
        yield* codes.keep(code, caller)
        return { code, until: (yield* Clock.currentTimeMillis) + Duration.toMillis(CODE_LASTS) }
      }),
    open: (code) =>
      Effect.gen(function* () {
        const maker = yield* codes.take(code)
        if (Option.isNone(maker)) return Option.none()
        const session = Redacted.make(`${PREFIX}${yield* random}`)
        yield* sessions.keep(Redacted.value(session), maker.value)
        return Option.map(yield* find(session), (caller) => ({ session, caller }))
      }),
    find
  }
}
