import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { isDaemonHere, jobsWithProcesses } from "../../src/procclaw/Processes.js"

/** A folder, and processes that are ended with it. */
const world = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "procclaw-"))
    const children: Array<ChildProcess> = []
    const start = (job: string | undefined, script: string, env: Record<string, string> = {}) => {
      const child = spawn("/bin/sh", ["-c", script], {
        detached: true,
        stdio: "ignore",
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, ...(job !== undefined && { PROCCLAW_JOB_ID: job }), ...env }
      })
      children.push(child)
      return child
    }
    return { folder, start, children, home: join(folder, ".procclaw") }
  }),
  ({ children, folder }) =>
    Effect.sync(() => {
      for (const { pid } of children) {
        try {
          if (pid !== undefined) process.kill(-pid, "SIGKILL")
        } catch {
          // It has ended.
        }
      }
      rmSync(folder, { recursive: true, force: true })
    })
)

/** Of these jobs only: others may run on the machine. */
const jobsIn = (home: string, ...jobs: ReadonlyArray<string>) =>
  jobsWithProcesses(home)
    .filter(({ job }) => jobs.includes(job))
    .map(({ isForeign, job }) => (isForeign ? `${job} of another` : job))
    .toSorted()

const until = (isSo: () => boolean) =>
  Effect.repeat(Effect.sync(isSo), { until: (so) => so, schedule: Schedule.spaced("5 millis") })

/** A shell makes a file before it writes to it. */
const isWritten = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0

const wait = "while [ ! -e stop ]; do sleep 0.02; done"

describe.runIf(process.platform === "linux")("the processes of a job", () => {
  it.scopedLive("count while one of them lives, also where the outer shell is gone", () =>
    Effect.gen(function* () {
      const { folder, home, start } = yield* world
      const shell = start("process-1", `bash -c 'echo $$ > agent; ${wait}' & wait`)
      yield* until(() => isWritten(join(folder, "agent")))
      assert.deepStrictEqual(jobsIn(home, "process-1"), ["process-1"])
      shell.kill("SIGKILL")
      yield* until(() => shell.signalCode !== null)
      assert.deepStrictEqual(jobsIn(home, "process-1"), ["process-1"], "its agent works on")
      writeFileSync(join(folder, "stop"), "")
      yield* until(() => jobsIn(home, "process-1").length === 0)
    })
  )

  it.scopedLive("are known by an ancestor, too, if they have dropped their environment", () =>
    Effect.gen(function* () {
      const { folder, home, start } = yield* world
      // What has the name of the job in its environment is a wrapper alone.
      writeFileSync(
        join(folder, "procclaw-wrapper.sh"),
        `#!/bin/bash\nenv -i bash -c 'echo $$ > agent; ${wait}' &\nwait\n`,
        { mode: 0o755 }
      )
      start("process-2", 'exec "$PWD/procclaw-wrapper.sh"')
      yield* until(() => isWritten(join(folder, "agent")))
      const pid = Number(readFileSync(join(folder, "agent"), "utf8"))
      assert.notInclude(readFileSync(`/proc/${pid}/environ`, "utf8"), "PROCCLAW_JOB_ID")
      yield* until(() => jobsIn(home, "process-2").length > 0)
      assert.deepStrictEqual(jobsIn(home, "process-2"), ["process-2"])
      process.kill(pid, "SIGKILL")
      yield* until(() => jobsIn(home, "process-2").length === 0)
    })
  )

  it.scopedLive("are not the wrapper of ProcClaw, and not what that waits by", () =>
    Effect.gen(function* () {
      const { folder, home, start } = yield* world
      writeFileSync(
        join(folder, "procclaw-wrapper.sh"),
        "#!/bin/bash\necho $$ > wrapper\nwhile true; do sleep 5; done\n",
        { mode: 0o755 }
      )
      const wrapper = start("process-3", 'exec "$PWD/procclaw-wrapper.sh"')
      yield* until(() => isWritten(join(folder, "wrapper")))
      yield* until(() => jobsIn(home, "process-3").length === 0)
      wrapper.kill("SIGKILL")
      yield* until(() => wrapper.signalCode !== null)
      assert.deepStrictEqual(jobsIn(home, "process-3"), [], "what it has waited by outlives it")
    })
  )

  it.scopedLive("of another ProcClaw are told apart by the home of its user", () =>
    Effect.gen(function* () {
      const { folder, home, start } = yield* world
      start("process-4", wait)
      start("process-5", wait, { HOME: join(folder, "somebody-else") })
      yield* until(() => jobsIn(home, "process-4", "process-5").length === 2)
      assert.deepStrictEqual(jobsIn(home, "process-4", "process-5"), ["process-4", "process-5 of another"])
    })
  )

  it.scopedLive("are not those of this process and its reviews, where it is one of them itself", () =>
    Effect.gen(function* () {
      const { home, start } = yield* world
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env.PROCCLAW_JOB_ID = "process-6"
        }),
        () =>
          Effect.sync(() => {
            delete process.env.PROCCLAW_JOB_ID
          })
      )
      start("process-6", wait)
      start("process-7", wait)
      yield* until(() => jobsIn(home, "process-6", "process-7").length > 0)
      assert.deepStrictEqual(jobsIn(home, "process-6", "process-7"), ["process-7"])
    })
  )

  it.scopedLive("are those of this machine if the daemon is seen to be", () =>
    Effect.gen(function* () {
      const { folder, start } = yield* world
      assert.isFalse(isDaemonHere(folder), "there is no file of its pid")
      const other = start(undefined, wait)
      writeFileSync(join(folder, "procclaw.pid"), `${other.pid}\n`)
      assert.isFalse(isDaemonHere(folder), "the pid is another program's by now")
      const daemon = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)", "procclaw"], { stdio: "ignore" })
      writeFileSync(join(folder, "procclaw.pid"), `${daemon.pid}\n`)
      yield* until(() => isDaemonHere(folder))
      daemon.kill("SIGKILL")
      yield* until(() => !isDaemonHere(folder))
      for (const text of ["", "1", "-7", "x", "999999999"]) {
        writeFileSync(join(folder, "procclaw.pid"), text)
        assert.isFalse(isDaemonHere(folder), text)
      }
    })
  )
})
