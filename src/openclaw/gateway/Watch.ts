/**
 * Watches a gateway: keeps a connection to it, and answers as a `Supervisor`.
 *
 * @internal
 */
import type { WebSocketConstructor } from "@effect/platform/Socket"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { SupervisorError } from "../../HealingError.js"
import * as Broadcast from "../../internal/Broadcast.js"
import * as Clocks from "../../internal/Clocks.js"
import * as SafeLog from "../../internal/SafeLog.js"
import type { Quota } from "../../running/Quota.js"
import { named } from "../../supervisor/Sources.js"
import { Activity, type JobEvent, type JobInfo, type RunEvent, type Supervisor } from "../../supervisor/Supervisor.js"
import * as ToldActivity from "../../supervisor/ToldActivity.js"
import * as Client from "./Client.js"
import * as CronJobs from "./CronJobs.js"
import * as CronRuns from "./CronRuns.js"
import * as Frames from "./Frames.js"
import { type Intervals, Level } from "./Level.js"
import { quotasOf } from "./Quotas.js"

/** @internal */
export interface WatchOptions {
  readonly url: URL
  readonly token: Redacted.Redacted<string> | undefined
  readonly intervals: Intervals
}

/** What counts as running while the gateway works, and the name of the source. */
const GATEWAY = "openclaw gateway"

const FIRST_PAUSE = 500

const LONGEST_PAUSE = 10_000

/** A gateway that is younger may still go on with a run by itself. In milliseconds. */
const YOUNG = 60_000

/** Kept for each reader of events who is late. */
const MAX_EVENTS = 1000

/** How often the quotas are asked for at most, in milliseconds. */
const QUOTA_INTERVAL = 300_000

/** Of a list of cron jobs, and how many of them are read. */
const PAGE = 200

const MAX_PAGES = 20

/** Runs of a cron job that are asked for. */
const RUNS = 50

const CLOSED = "the adapter of the OpenClaw gateway is closed"

const BROKE = "the adapter of the OpenClaw gateway broke"

/** One connection, from its hello on. */
interface Connection {
  readonly client: Client.Client
  readonly level: Level
}

/**
 * Longer than a screen, since the connection, its loops and those who ask share what was heard last.
 *
 * @internal
 */
export const make = ({
  intervals,
  token,
  url
}: WatchOptions): Effect.Effect<Context.Tag.Service<Supervisor>, never, Scope.Scope | WebSocketConstructor> =>
  Effect.gen(function* () {
    const clock = yield* Effect.clock
    const now = () => Clocks.millis(clock)
    const activity = yield* ToldActivity.make("the OpenClaw gateway was not asked yet")
    const { tell } = activity
    const quotas = yield* SubscriptionRef.make<ReadonlyArray<Quota>>([])
    const events = Broadcast.make<JobEvent>(MAX_EVENTS)
    const runs = Broadcast.make<RunEvent>(MAX_EVENTS)
    const cronRuns = CronRuns.make(runs.tell, events.tell)
    /** A question of its own that is being answered is work to the gateway: there is never one beside that for its work. */
    const oneAtATime = Effect.unsafeMakeSemaphore(1)
    /** There is something new to tell, or to ask. */
    const hasNews = yield* Effect.makeLatch(false)
    const mayAsk = yield* Effect.makeLatch(false)
    let connection: Connection | undefined
    let lastBoot: string | undefined
    let lostBecause = "it was not asked yet"
    let pause = FIRST_PAUSE
    let quotasAskedAt = Number.NEGATIVE_INFINITY

    const look = () => {
      hasNews.unsafeOpen()
      mayAsk.unsafeOpen()
    }

    const receive = (event: string, payload: () => unknown) => {
      const cron = event === "cron" ? CronJobs.eventOf(payload()) : undefined
      if (cron !== undefined) cronRuns.happened(cron)
      if (connection === undefined || !Frames.isSign(event, payload)) return
      const at = now()
      const isNews = connection.level.at(at)._tag !== "Busy"
      connection.level.sign(at)
      if (isNews || cron !== undefined) look()
    }

    const activityOf = (level: Level, at: number): Activity => {
      const state = level.at(at)
      if (state._tag === "Unknown") return Activity.Unknown({ reason: `the OpenClaw gateway: ${state.reason}` })
      if (state._tag === "Idle") return Activity.Known({ running: [] })
      // It says who works only of cron jobs.
      const jobs = cronRuns.running()
      return Activity.Known({ running: jobs.length === 0 ? [GATEWAY] : jobs.toSorted() })
    }

    /** Tells how it stands whenever that may be another than before. */
    const telling = (level: Level) =>
      Effect.forever(
        Effect.suspend(() => {
          hasNews.unsafeClose()
          const at = now()
          const left = Math.ceil(level.stale - at)
          const next = left > 0 ? Effect.asVoid(Effect.timeoutOption(hasNews.await, left)) : hasNews.await
          return Effect.zipRight(tell(activityOf(level, at)), next)
        })
      )

    /** One question that is answered in time, or the connection is lost. */
    const ask = (client: Client.Client, method: string, params?: object) =>
      client.ask(method, params).pipe(
        Effect.timeoutFail({
          duration: 2 * client.hello.tick,
          onTimeout: () => new Client.GatewayLost({ reason: "it does not answer any more" })
        })
      )

    const askLevel = ({ client, level }: Connection) =>
      Effect.suspend(() => {
        level.asked(now())
        return ask(client, "gateway.restart.preflight")
      }).pipe(
        oneAtATime.withPermits(1),
        Effect.map((payload) =>
          Option.match(Frames.activeOf(payload), {
            onNone: () => level.refused("it does not say how much it has to do"),
            onSome: (active) => {
              level.answered(now(), active)
              pause = FIRST_PAUSE
            }
          })
        ),
        Effect.catchTag("GatewayRefused", ({ code }) =>
          Effect.sync(() => level.refused(`it does not say how much it has to do (${code})`))
        ),
        Effect.zipRight(Effect.sync(() => hasNews.unsafeOpen()))
      )

    /** Asks how much it has to do whenever that is due. */
    const asking = (of: Connection) =>
      Effect.forever(
        Effect.suspend(() => {
          mayAsk.unsafeClose()
          const left = Math.ceil(of.level.due - now())
          return left > 0 ? Effect.timeoutOption(mayAsk.await, left) : Effect.zipRight(askLevel(of), askQuotas(of))
        })
      )

    /** Only while it works: a question that takes long would be work by itself. */
    const askQuotas = ({ client, level }: Connection) =>
      Effect.suspend(() => {
        const at = now()
        const isDue = at - quotasAskedAt >= QUOTA_INTERVAL && level.at(at)._tag !== "Idle"
        if (!isDue || !canAsk(client, "usage.status")) return Effect.void
        quotasAskedAt = at
        return client.ask("usage.status").pipe(
          Effect.flatMap((payload) =>
            Option.match(quotasOf(payload), {
              onNone: () => Effect.void,
              onSome: (found) => Effect.uninterruptible(SubscriptionRef.set(quotas, found))
            })
          ),
          Effect.timeoutOption("10 seconds"),
          Effect.ignore,
          Effect.forkScoped
        )
      })

    const listCrons = (client: Client.Client, isFirst: boolean) =>
      Effect.gen(function* () {
        const crons: Array<CronJobs.CronJob> = []
        let offset: number | undefined = 0
        for (let pages = 0; offset !== undefined && pages < MAX_PAGES; pages++) {
          const params = { includeDisabled: true, limit: PAGE, ...(offset > 0 && { offset }) }
          const page = CronJobs.pageOf(yield* ask(client, "cron.list", params))
          if (Option.isNone(page)) return yield* new Client.GatewayRefused({ code: "no list", retryAfter: undefined })
          crons.push(...page.value.jobs)
          offset = page.value.next !== undefined && page.value.next > offset ? page.value.next : undefined
        }
        cronRuns.listed(crons, isFirst)
        if (isFirst) look()
        return crons
      }).pipe(oneAtATime.withPermits(1))

    const connected = Effect.gen(function* () {
      const client = yield* Client.open(url, token, receive)
      const { bootId, uptime } = client.hello
      const isYoung = uptime !== undefined && uptime < YOUNG
      const mayResume = isYoung || (lastBoot === undefined ? uptime === undefined : bootId !== lastBoot)
      lastBoot = bootId
      const level = new Level(intervals, now(), mayResume)
      connection = { client, level }
      if (!canAsk(client, "gateway.restart.preflight")) {
        level.refused("it is older than 2026.5.28, and does not say how much it has to do")
        yield* tell(activityOf(level, now()))
        return yield* client.lost
      }
      // Until it is answered, it would count itself.
      if (canAsk(client, "sessions.subscribe")) yield* unlessRefused(ask(client, "sessions.subscribe"))
      const crons = canAsk(client, "cron.list") ? unlessRefused(listCrons(client, true)) : Effect.void
      const all = Effect.all([telling(level), asking({ client, level }), crons], { concurrency: "unbounded" })
      return yield* Effect.raceFirst(client.lost, all)
    }).pipe(Effect.scoped)

    const lose = (reason: string) => {
      connection = undefined
      lostBecause = reason
      return tell(Activity.Unknown({ reason: `the OpenClaw gateway: ${reason}` }))
    }

    yield* Effect.addFinalizer(() => lose(CLOSED))
    const watching: Effect.Effect<never, never, WebSocketConstructor> = Effect.exit(connected).pipe(
      Effect.map((exit) => (Exit.isFailure(exit) ? lossOf(exit.cause) : new Client.GatewayLost({ reason: BROKE }))),
      Effect.tap(({ reason }) => lose(reason)),
      Effect.flatMap(({ isForGood, reason, retryAfter }) => {
        // Whatever was told of it before.
        if (isForGood === true) return Effect.zipRight(SafeLog.warn(`The OpenClaw gateway: ${reason}`), Effect.never)
        const now = Math.min(Math.max(retryAfter ?? pause, FIRST_PAUSE), LONGEST_PAUSE)
        pause = Math.min(pause * 2, LONGEST_PAUSE)
        return Effect.sleep(now)
      }),
      Effect.forever
    )
    yield* Effect.forkScoped(watching)

    /** Asks over the connection that there is. */
    const asked = <A>(what: (client: Client.Client) => Effect.Effect<A, Client.GatewayLost | Client.GatewayRefused>) =>
      Effect.suspend(() =>
        connection === undefined ? new Client.GatewayLost({ reason: lostBecause }) : what(connection.client)
      ).pipe(
        Effect.catchTags({
          GatewayLost: ({ reason }) => new SupervisorError({ detail: `the OpenClaw gateway: ${reason}` }),
          GatewayRefused: ({ code }) =>
            new SupervisorError({ detail: `the OpenClaw gateway refuses to tell (${code})` })
        })
      )

    return named(GATEWAY, {
      jobs: Effect.map(
        asked((client) => Effect.catchIf(listCrons(client, false), hasNoCrons, () => Effect.succeed([]))),
        jobsOf
      ),
      activity: activity.changes,
      quotas: quotas.changes,
      events: events.listen,
      runs: runs.listenFrom(cronRuns.starts),
      evidence: ({ id }, scope) =>
        asked((client) =>
          Effect.gen(function* () {
            const crons = (yield* listCrons(client, false)).filter(({ job }) => job === id)
            if (crons.length === 0) return undefined
            const answers = yield* Effect.forEach(crons.slice(0, MAX_PAGES), ({ id }) =>
              oneAtATime.withPermits(1)(ask(client, "cron.runs", { id, limit: RUNS }))
            )
            const ended = answers.flatMap((answer) => Option.getOrElse(CronJobs.runsOf(answer), () => []))
            return CronJobs.evidenceOf(crons, ended, scope)
          })
        ).pipe(
          Effect.flatMap((evidence) =>
            evidence === undefined
              ? new SupervisorError({ detail: `the OpenClaw gateway has no cron job for ${id}` })
              : Effect.succeed(evidence)
          )
        )
    })
  })

/** It goes on without what it may not know. */
const unlessRefused = <A, E>(question: Effect.Effect<A, E | Client.GatewayRefused>) =>
  Effect.asVoid(question).pipe(Effect.catchIf(isRefused, () => Effect.void))

const isRefused = (error: unknown): error is Client.GatewayRefused => error instanceof Client.GatewayRefused

/** Whether it does not know the question, or does not answer it to anybody who may only read: then there is nothing to review. */
const hasNoCrons = (error: unknown): boolean =>
  isRefused(error) && /^(?:INVALID_REQUEST|FORBIDDEN|MISSING_SCOPE)$/.test(error.code)

/** A gateway that does not say what it can be asked is asked. */
const canAsk = ({ hello }: Client.Client, method: string): boolean => hello.methods?.has(method) ?? true

const lossOf = (cause: Cause.Cause<unknown>): Client.GatewayLost => {
  const failure = Option.getOrUndefined(Cause.failureOption(cause))
  if (failure instanceof Client.GatewayLost) return failure
  // What a defect says is left out: anything may stand in it.
  return new Client.GatewayLost({
    reason: failure instanceof Client.GatewayRefused ? `it refuses (${failure.code})` : BROKE
  })
}

const jobsOf = (crons: ReadonlyArray<CronJobs.CronJob>): ReadonlyArray<JobInfo> =>
  Array.from(new Set(crons.map(({ job }) => job)), (id) => ({
    id,
    kind: "openclaw cron",
    openClaw: true,
    policy: NO_POLICY
  }))

const NO_POLICY: unknown = {}
