/**
 * The real things, where they are asked for:
 *
 *     OPENCLAW_BIN=/path/to/openclaw npm test -- procclaw/real
 *     PROCCLAW_URL=http://127.0.0.1:9876 PROCCLAW_HOME=$HOME/.procclaw PROCCLAW_TOKEN=... npm test -- procclaw/real
 *
 * The first has the real OpenClaw CLI work within what ProcClaw starts. The second only looks at a daemon that runs.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Queue, Redacted, Schedule } from "effect"
import { EvidenceScope, Supervisor } from "effect-healing"
import { ProcClaw } from "effect-healing/procclaw"
import { jobsWithProcesses } from "../../src/procclaw/Processes.js"
import { makeProvider, modelsOf } from "../openclaw/makeProvider.js"
import { heard } from "../support/heard.js"

const { OPENCLAW_BIN, PROCCLAW_HOME, PROCCLAW_TOKEN, PROCCLAW_URL } = process.env

const JOB = "oc-real"

describe.runIf(OPENCLAW_BIN !== undefined)("the real OpenClaw CLI as a job of ProcClaw", () => {
  it.scopedLive(
    "is seen for as long as it works, also after a stop that ends the outer shell alone",
    () =>
      Effect.gen(function* () {
        const provider = yield* makeProvider("hang")
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "procclaw-real-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
        )
        mkdirSync(join(folder, ".openclaw"))
        writeFileSync(
          join(folder, ".openclaw", "openclaw.json"),
          JSON.stringify({
            models: modelsOf(provider.url, "k"),
            update: { checkOnStart: false },
            agents: { defaults: { workspace: folder, skipBootstrap: true, model: { primary: "mock/mock-1" } } }
          })
        )
        const wrapper = join(folder, "procclaw-wrapper.sh")
        writeFileSync(
          wrapper,
          `#!/bin/bash\n( while true; do sleep 5; done ) &\nBEAT=$!\n"$@"\nkill $BEAT\necho over > over\n`,
          { mode: 0o755 }
        )
        const command = `${OPENCLAW_BIN} agent --local --session-id real --message hello --timeout 600`
        const shell = spawn("/bin/sh", ["-c", `"${wrapper}" bash -c '${command}'`], {
          cwd: folder,
          detached: true,
          stdio: "ignore",
          env: {
            PATH: process.env.PATH,
            HOME: folder,
            PROCCLAW_JOB_ID: JOB,
            DO_NOT_TRACK: "1",
            OPENCLAW_DISABLE_BONJOUR: "1"
          }
        })
        const home = join(folder, ".procclaw")
        const isSeen = Effect.sync(() => jobsWithProcesses(home).some(({ job }) => job === JOB))
        const until = (wanted: boolean) =>
          Effect.repeat(isSeen, { until: (seen) => seen === wanted, schedule: Schedule.spaced("50 millis") })
        yield* until(true)
        yield* Queue.take(provider.asked)
        assert.isTrue(yield* isSeen, "while it asks its model")
        shell.kill("SIGKILL")
        yield* Effect.sleep("3 seconds")
        assert.isTrue(yield* isSeen, "after a stop")
        assert.isFalse(existsSync(join(folder, "over")))
        if (shell.pid !== undefined) process.kill(-shell.pid, "SIGTERM")
        yield* until(false)
      }),
    600_000
  )
})

describe.runIf(PROCCLAW_URL !== undefined)("a ProcClaw that runs", () => {
  it.scopedLive(
    "is looked at",
    () =>
      Effect.gen(function* () {
        const context = yield* Layer.build(
          ProcClaw.layer({
            url: PROCCLAW_URL,
            home: PROCCLAW_HOME,
            token: PROCCLAW_TOKEN === undefined ? undefined : Redacted.make(PROCCLAW_TOKEN)
          })
        )
        const { activity, evidence, jobs } = Context.get(context, Supervisor)
        const told = yield* heard(activity)
        yield* told.until((all) => all.at(-1)?._tag === "Known")
        console.log(JSON.stringify((yield* told.all).at(-1)))
        const all = yield* jobs
        assert.isNotEmpty(all)
        for (const job of all) {
          const found = yield* evidence(job, EvidenceScope.Since({ since: 0, runId: null, limit: 5 }))
          console.log(
            job.id,
            job.kind,
            JSON.stringify(job.policy),
            `${found.runs.length} runs, ${found.logs.length} logs`
          )
        }
      }),
    60_000
  )
})
