import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schedule } from "effect"
import { Supervisor } from "effect-healing"
import { Pm2 } from "effect-healing/pm2"
import { supervisorContract } from "effect-healing/testing"
import { isFull } from "../support/property.js"
import { type App, makeDaemon, planted } from "./makeDaemon.js"

describe.runIf(isFull)("at length", () => {
  const contract = supervisorContract(
    Effect.gen(function* () {
      const daemon = yield* makeDaemon
      yield* daemon.pm2("ping")
      const context = yield* Layer.build(Pm2.layer({ home: daemon.home }))
      const apps = new Map<string, App>()

      /** It does so, and is gone. */
      const end = (id: string, what: string) =>
        daemon
          .make(id, what)
          .pipe(
            Effect.zipRight(
              Effect.sync(
                () => !existsSync(join(daemon.folder, `do-${id}`)) && !daemon.alive().some(({ job }) => job === id)
              ).pipe(Effect.repeat({ until: (isGone) => isGone, schedule: Schedule.spaced("5 millis") }))
            ),
            Effect.asVoid
          )

      return {
        supervisor: Context.get(context, Supervisor),
        addJob: ({ openClaw, policy }) =>
          Effect.suspend(() => {
            const name = `job-${apps.size + 1}`
            const env = policy === undefined ? {} : { HEALING_POLICY: JSON.stringify(policy) }
            const namespace = openClaw ? "openclaw" : "default"
            const app: App = { name, namespace, env }
            apps.set(name, app)
            return Effect.as(daemon.start({ ...app, autostart: false }), name)
          }),
        addService: Effect.suspend(() => {
          const name = `service-${apps.size + 1}`
          const app: App = { name, autorestart: true }
          apps.set(name, app)
          return Effect.as(daemon.start({ ...app, autostart: false }), name)
        }),
        remove: (id) => Effect.asVoid(daemon.pm2("delete", id)),
        // By its configuration: PM2 would keep to what that has said of `autostart` before.
        start: (id) => Effect.asVoid(daemon.start({ name: id, ...apps.get(id), autostart: true })),
        exitCleanly: (id) => end(id, "exit 0"),
        crash: (id, exitCode) => end(id, `exit ${exitCode}`),
        stop: (id) => Effect.asVoid(daemon.pm2("stop", id)),
        lose: Effect.zipRight(daemon.pm2("save"), Effect.asVoid(daemon.pm2("kill"))),
        find: Effect.asVoid(daemon.pm2("resurrect")),
        secret: planted
      }
    })
  )
  for (const { name, test } of contract) it.live(name, () => test)
})
