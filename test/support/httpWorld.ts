/** What the tests of the API share: a supervised app over a SQLite file, whose reviews end when the test says so, and ways to its doors. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { request as ask, type IncomingHttpHeaders } from "node:http"
import { join } from "node:path"
import { NodeContext } from "@effect/platform-node"
import { Context, Deferred, Effect, Layer, Schema } from "effect"
import {
  Healing,
  HealingConfig,
  HealingQueue,
  HealingScheduler,
  HealingService,
  type HealingSettingsInput,
  JobRegistry,
  Notices,
  OpenClaw,
  type Report,
  Reviewed,
  Reviewer,
  Suggestions
} from "effect-healing"
import { HealingHttp } from "effect-healing/http"
import { forFile, NEW, OLD, privateFolder } from "./proposals.js"

/** What somebody sends. */
export interface Sent {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** What comes back. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export const json = Schema.decodeUnknownSync(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
)

/** Sends exactly this, to a Unix socket or to a port. */
export const send = (
  to: { readonly socketPath: string } | { readonly host: string; readonly port: number },
  { body, headers = {}, method = "GET", path }: Sent
): Effect.Effect<Answered> =>
  Effect.async((resume) => {
    const sent = ask({ ...to, method, path, headers, agent: false }, (response) => {
      const parts: Array<Buffer> = []
      response.on("data", (part: Buffer) => parts.push(part))
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(parts).toString("utf8")
          })
        )
      )
    })
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })

/** Where a server listens. */
export const addressOf = (url: string) => {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) }
}

/** A report that proposes to change the file of the job. */
const proposal = (path: string): Report => ({ summary: "It can be mended", suggestions: [forFile(path, NEW)] })

export const makeHttpWorld = (settings: HealingSettingsInput = {}) =>
  Effect.gen(function* () {
    const folder = yield* privateFolder
    const root = join(folder, "jobs")
    mkdirSync(root, { mode: 0o755 })
    const file = join(root, "digest.sh")
    writeFileSync(file, OLD, { mode: 0o644 })
    const database = join(folder, "healing.db")
    /** What holds reviews up that have begun, if the test wants that. */
    let held: Deferred.Deferred<void> | undefined
    let next: Report = { summary: "all is well" }
    const ReviewerLive = Layer.succeed(Reviewer, {
      review: () =>
        Effect.gen(function* () {
          if (held !== undefined) yield* Deferred.await(held)
          return Reviewed.Completed({ report: next })
        })
    })
    const HealingLive = Healing.layerSupervised({
      filename: database,
      settings: {
        quietPeriod: 0,
        cooldown: 0,
        ...settings,
        suggestions: { allowedRoots: [root], asRoot: true, ...settings.suggestions }
      }
    }).pipe(
      Layer.provideMerge(ReviewerLive),
      Layer.provideMerge(JobRegistry.layer),
      Layer.provideMerge(NodeContext.layer)
    )
    const context = yield* Layer.build(HealingLive)
    const registry = Context.get(context, JobRegistry)
    yield* registry.add({ id: "digest", openClaw: true, files: [{ path: file, role: "script" }] })
    yield* registry.add({ id: "a/b c?d=é%", openClaw: false })
    yield* Context.get(context, HealingScheduler).refresh
    const serve = Effect.map(Layer.build(Layer.provide(HealingHttp.layer, Layer.succeedContext(context))), (built) =>
      Context.get(built, HealingHttp)
    )
    return {
      folder,
      root,
      file,
      database,
      context,
      registry,
      queue: Context.get(context, HealingQueue),
      healing: Context.get(context, HealingService),
      openClaw: Context.get(context, OpenClaw),
      suggestions: Context.get(context, Suggestions),
      notices: Context.get(context, Notices),
      settings: Context.get(context, HealingConfig),
      /** Opens the doors, until the end of the scope. */
      serve,
      /** What reviews find from now on. */
      find: (report: Report) =>
        Effect.sync(() => {
          next = report
        }),
      /** A review of the job, with the id of what it proposes. */
      propose: Effect.gen(function* () {
        next = proposal(file)
        const { id } = yield* Context.get(context, HealingQueue).heal({ job: "digest" })
        next = { summary: "all is well" }
        return `suggestion:digest:${id.split(":").at(-1)}.1`
      }),
      /** Reviews do not end until the effect does, which has their end. */
      hold: Effect.acquireRelease(
        Effect.map(Deferred.make<void>(), (end) => {
          held = end
          return end
        }),
        (end) =>
          Effect.zipRight(
            Effect.sync(() => {
              held = undefined
            }),
            Deferred.succeed(end, undefined)
          )
      ),
      hasFile: existsSync
    }
  })
