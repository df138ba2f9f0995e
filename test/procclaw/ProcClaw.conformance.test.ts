import { describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Supervisor } from "effect-healing"
import { ProcClaw } from "effect-healing/procclaw"
import { type SupervisorControls, supervisorContract } from "effect-healing/testing"
import { isFull } from "../support/property.js"
import { makeProcClaw, planted } from "./makeProcClaw.js"

const controls = (isSeen: boolean) =>
  Effect.gen(function* () {
    const daemon = yield* makeProcClaw
    const home = isSeen ? { home: daemon.home } : {}
    const context = yield* Layer.build(
      ProcClaw.layer({ url: daemon.url, timeZone: "UTC", interval: "1 second", ...home })
    )
    let jobs = 0
    /** As its policy comes out of what ProcClaw says. */
    const add = (type: string, selfHealing: object = {}) =>
      Effect.sync(() => {
        const id = `job-${++jobs}`
        daemon.add({ id, type, selfHealing })
        return id
      })
    const controls: SupervisorControls = {
      supervisor: Context.get(context, Supervisor),
      addJob: ({ openClaw }) => add(openClaw ? "openclaw" : "scheduled"),
      addService: add("continuous"),
      remove: (id) =>
        Effect.promise(async () => {
          if (daemon.runs.some((run) => run.job === id && run.endedAt === undefined)) await daemon.stops(id)
          daemon.remove(id)
        }),
      start: (id) => Effect.sync(() => void daemon.start(id)),
      exitCleanly: (id) => Effect.promise(() => daemon.ends(id, 0)),
      crash: (id, exitCode) => Effect.promise(() => daemon.ends(id, exitCode)),
      stop: (id) => Effect.promise(() => daemon.stops(id)),
      ...(!isSeen && { lose: Effect.promise(() => daemon.lose()), find: Effect.promise(() => daemon.find()) }),
      secret: planted
    }
    return controls
  })

/** It gives no policies of ours, but what ProcClaw says means here. */
const tests = (isSeen: boolean) =>
  supervisorContract(controls(isSeen)).filter(({ name }) => !name.includes("each with a name of its own"))

describe("the port Supervisor, as implemented by ProcClaw on this machine", () => {
  for (const { name, test } of tests(true)) it.live.runIf(isFull || name.startsWith("activity"))(name, () => test)
})

// Each waits for some of the seconds in which an agent may work on.
describe.runIf(isFull).concurrent("the port Supervisor, as implemented by ProcClaw elsewhere", () => {
  for (const { name, test } of tests(false)) it.live(name, () => test)
})
