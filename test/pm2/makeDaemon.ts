/** What the tests of PM2 share: a daemon of their own, jobs that do as they are told, and the adapter that watches them. */
import { execFile } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert } from "@effect/vitest"
import { Context, Data, Effect, Layer, Schedule, Stream, SubscriptionRef } from "effect"
import { type Activity, type JobEvent, Supervisor } from "effect-healing"
import { Pm2, type Pm2Options } from "effect-healing/pm2"
import { startOf } from "../../src/internal/Proc.js"

const bin = process.env.PM2_BIN ?? createRequire(import.meta.url).resolve("pm2/bin/pm2")

export const app = fileURLToPath(new URL("app.cjs", import.meta.url))

const isAlive = (pid: number) => startOf(pid) !== undefined

const kill = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {}
}

export class NeverCame extends Data.TaggedError("NeverCame")<{ readonly message: string }> {}

/** That of the person who runs the tests, for `pm2 install`. */
const npm = { npm_config_userconfig: join(homedir(), ".npmrc"), npm_config_cache: join(homedir(), ".npm") }

/** Only a safety net: nothing is waited for in vain. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>, what = "it") =>
  Effect.timeoutFail(effect, { duration: "5 minutes", onTimeout: () => new NeverCame({ message: what }) })

/** Of a configuration of PM2; `first` is what it does when it starts. */
export interface App {
  readonly name: string
  readonly first?: string
  readonly [key: string]: unknown
}

/** Of a home, of which nothing is left alive. */
export const makeDaemon = Effect.gen(function* () {
  const folder = yield* Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-healing-pm2-")))
  const home = join(folder, "home")
  const pidOf = () => {
    try {
      return Number(readFileSync(join(home, "pm2.pid"), "utf8"))
    } catch {
      return undefined
    }
  }
  /** Those of the jobs that live, by their own words. */
  const alive = () =>
    readdirSync(folder).flatMap((name) => {
      const [, job, pid] = /^alive-(.+)-(\d+)$/.exec(name) ?? []
      return job !== undefined && isAlive(Number(pid)) ? [{ job, pid: Number(pid) }] : []
    })
  // Again, since one that is just being started may yet write into the folder.
  const remove = Effect.try(() => {
    const pid = pidOf()
    if (pid !== undefined && pid > 1) kill(pid)
    if (existsSync(folder)) for (const { pid } of alive()) kill(pid)
    rmSync(folder, { recursive: true, force: true })
  })
  yield* Effect.addFinalizer(() => Effect.orDie(inTime(Effect.retry(remove, Schedule.spaced("20 millis")))))
  const pm2With = (variables: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
    Effect.async<string>((resume) => {
      const { HEALING_OPENCLAW: _, ...env } = process.env
      const child = execFile(
        process.execPath,
        [bin, ...args],
        {
          env: {
            ...env,
            ...npm,
            PM2_HOME: home,
            HOME: folder,
            PM2_DISABLE_VERSION_CHECK: "true",
            TOKEN: planted,
            ...variables
          }
        },
        (error, stdout, stderr) =>
          resume(error === null ? Effect.succeed(stdout) : Effect.die(new Error(`${stdout}${stderr}`)))
      )
      return Effect.sync(() => child.kill("SIGKILL"))
    })
  const pm2 = (...args: ReadonlyArray<string>) => pm2With({}, ...args)
  /** Starts apps of a configuration, `app.cjs` unless they say otherwise. */
  const start = (...apps: ReadonlyArray<App>) =>
    Effect.suspend(() => {
      const file = join(folder, `${apps[0]?.name}.config.json`)
      const all = apps.map(({ first, ...one }) => ({
        script: app,
        namespace: "openclaw",
        autorestart: false,
        vizion: false,
        args: [folder, one.name, ...(first === undefined ? [] : [first])],
        ...one
      }))
      writeFileSync(file, JSON.stringify({ apps: all }))
      return pm2("start", file)
    })
  /** Makes a job do something, once. */
  const make = (job: string, what: string) =>
    Effect.sync(() => {
      writeFileSync(join(folder, "next"), what)
      renameSync(join(folder, "next"), join(folder, `do-${job}`))
    })
  return { folder, home, pm2, pm2With, start, make, alive, pid: Effect.sync(pidOf) }
})

/** In the environment of every process. */
export const planted = "sk-proj-abcdefghijklmnopqrstuvwxyz012345"

/** The adapter, and what it has told so far. */
export const watch = (options: Pm2Options) =>
  Effect.gen(function* () {
    const supervisor = Context.get(yield* Layer.build(Pm2.layer(options)), Supervisor)
    const events = yield* SubscriptionRef.make<ReadonlyArray<JobEvent>>([])
    yield* Effect.forkScoped(
      Stream.runForEach(supervisor.events, (event) => SubscriptionRef.update(events, (all) => [...all, event]))
    )
    const known: Array<Activity> = []
    yield* Effect.forkScoped(
      Stream.runForEach(supervisor.activity, (activity) => Effect.sync(() => known.push(activity)))
    )
    yield* Effect.yieldNow()
    const until = (what: string, isSo: (activity: Activity) => boolean) =>
      inTime(Stream.runHead(Stream.filter(supervisor.activity, isSo)), what)
    return {
      supervisor,
      /** All that the activity has told. */
      known,
      events: SubscriptionRef.get(events),
      unknown: until("unknown", ({ _tag }) => _tag === "Unknown"),
      /** It is known that these run, and no others. */
      running: (...jobs: ReadonlyArray<string>) =>
        until(
          `running ${jobs.join()}`,
          (activity) => activity._tag === "Known" && activity.running.join() === jobs.join()
        ),
      /** So many events were told. */
      told: (count: number) =>
        inTime(Stream.runHead(Stream.filter(events.changes, (all) => all.length >= count)), `event ${count}`)
    }
  })

/**
 * Looks again and again whether what runs by its own words runs by the adapter's as well. A process that lives before and
 * after PM2 was asked anew must be named, or nothing be known.
 */
export const neverFalselyIdle = (
  supervisor: Supervisor["Type"],
  alive: () => ReadonlyArray<{ readonly job: string; readonly pid: number }>,
  counts: (job: string) => boolean
) => {
  let samples = 0
  const falsely: Array<string> = []
  const sample = Effect.gen(function* () {
    const before = alive()
    yield* Effect.ignore(supervisor.jobs)
    const activity = yield* Stream.runHead(supervisor.activity)
    const after = new Set(alive().map(({ pid }) => pid))
    samples++
    if (activity._tag === "None" || activity.value._tag === "Unknown") return
    for (const { job, pid } of before) {
      if (counts(job) && after.has(pid) && !activity.value.running.includes(job)) falsely.push(job)
    }
  })
  return Effect.as(Effect.forkScoped(Effect.repeat(sample, Schedule.spaced("20 millis"))), {
    assert: Effect.sync(() => {
      assert.deepStrictEqual(falsely, [])
      assert.isAbove(samples, 5)
    })
  })
}
