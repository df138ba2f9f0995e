/**
 * A daemon that answers as ProcClaw was recorded to, and starts real processes as ProcClaw does: a shell, its wrapper with a loop of heartbeats,
 * and in it the command. Its jobs do what a test tells them to.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { pids, variablesOf } from "../../src/internal/Proc.js"
import { recorded } from "./recordings.js"

/** What stands in the environment of each job. */
export const planted = "hunter2-in-the-environment"

export interface FakeJob {
  readonly id: string
  readonly type: string
  readonly selfHealing?: object
  readonly sla?: boolean
}

interface FakeRun {
  readonly id: number
  readonly job: string
  readonly startedAt: number
  endedAt?: number
  exitCode?: number | null
  error?: string | null
  readonly child?: ChildProcess
}

/** Without a zone, in UTC. */
const naive = (at: number): string => `${new Date(at).toISOString().slice(0, -1)}000`

/** As `procclaw-wrapper.sh` does it: heartbeats in the background, and the command. */
const wrapper = (folder: string) => `#!/bin/bash
( while true; do date +%s > "${folder}/heartbeat-$PROCCLAW_JOB_ID"; sleep 5; done ) &
BEAT=$!
"$@"
CODE=$?
kill $BEAT 2>/dev/null
exit $CODE
`

const template: Record<string, unknown> = (() => {
  const body = recorded["jobs-idle"]
  const jobs = typeof body === "object" && body !== null && "jobs" in body && Array.isArray(body.jobs) ? body.jobs : []
  return { ...jobs[0] }
})()

export const makeProcClaw = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = mkdtempSync(join(tmpdir(), "procclaw-"))
    const home = join(folder, ".procclaw")
    mkdirSync(join(home, "logs"), { recursive: true })
    mkdirSync(join(home, "jobs"))
    const auditLog = join(home, "logs", "daemon.audit.log")
    writeFileSync(auditLog, "")
    const script = join(folder, "procclaw-wrapper.sh")
    writeFileSync(script, wrapper(folder), { mode: 0o755 })
    // What is seen of the daemon: a process of this user with its name.
    const daemon = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)", "procclaw"], { stdio: "ignore" })
    writeFileSync(join(home, "procclaw.pid"), `${daemon.pid}`)

    const jobs = new Map<string, FakeJob>()
    const runs: Array<FakeRun> = []
    const breaches: Array<object> = []
    const asked: Array<string> = []
    let lastId = 0
    const state = {
      token: undefined as string | undefined,
      /** Answers instead of what is right. */
      answer: undefined as ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined,
      /** What a restart comes to. */
      restart: "starts" as "starts" | "stops" | "fails"
    }
    const isRunning = (job: string) => runs.some((run) => run.job === job && run.endedAt === undefined)
    const audit = (line: string) => appendFileSync(auditLog, `[${naive(Date.now())}] ${line}\n`)
    const doFile = (job: string) => join(folder, `do-${job.replaceAll(/\W/g, "_")}`)

    const start = (job: string): FakeRun => {
      rmSync(doFile(job), { force: true })
      const id = ++lastId
      const command = `while [ ! -e '${doFile(job)}' ]; do sleep 0.02; done; echo "${job} ends" >&2; exit $(cat '${doFile(job)}')`
      const child = spawn("/bin/sh", ["-c", `"${script}" bash -c '${command.replaceAll("'", "'\\''")}'`], {
        detached: true,
        stdio: "ignore",
        env: { PATH: process.env.PATH, HOME: folder, PROCCLAW_JOB_ID: job, PROCCLAW_RUN_ID: `${id}`, SECRET: planted }
      })
      const run: FakeRun = { id, job, startedAt: Date.now(), child }
      runs.unshift(run)
      audit(`${job}: started - PID: ${child.pid}, trigger: api`)
      return run
    }

    const end = (run: FakeRun, exitCode: number | null, error: string | null) => {
      run.endedAt = Date.now()
      run.exitCode = exitCode
      run.error = error
      audit(`${run.job}: ${exitCode === 0 ? "completed" : "failed"} - exit_code: ${exitCode ?? "None"}, duration: 0.1s`)
    }

    const runOf = (job: string): FakeRun => {
      const run = runs.find((one) => one.job === job && one.endedAt === undefined)
      if (run === undefined) throw new Error(`${job} does not run`)
      return run
    }

    const gone = ({ child }: FakeRun) =>
      new Promise<void>((resolve) => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
        child.on("exit", () => resolve())
      })

    const killed = async (run: FakeRun) => {
      const ended = gone(run)
      if (run.child?.pid !== undefined) process.kill(-run.child.pid, "SIGKILL")
      await ended
    }

    const jobBody = ({ id, selfHealing = {}, sla = false, type }: FakeJob) => {
      const last = runs.find(({ job }) => job === id)
      return {
        ...template,
        id,
        name: id,
        type,
        status: isRunning(id) ? "running" : "stopped",
        // It is kept after an end.
        pid: last?.child?.pid ?? null,
        cmd: `openclaw agent --message "${id}"`,
        sla: { enabled: sla },
        self_healing: { enabled: false, mode: "reactive", ...selfHealing }
      }
    }

    const runBody = ({ endedAt, error = null, exitCode = null, id, job, startedAt }: FakeRun) => ({
      id,
      job_id: job,
      job_name: jobs.has(job) ? job : null,
      started_at: naive(startedAt),
      finished_at: endedAt === undefined ? null : naive(endedAt),
      exit_code: endedAt === undefined ? null : exitCode,
      status: endedAt === undefined ? "running" : exitCode === 0 ? "success" : "failed",
      trigger: "api",
      error,
      original_exit_code: null
    })

    const answerTo = (method: string, url: URL): unknown => {
      const [, id = "", what] = /^\/api\/v1\/jobs\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname) ?? []
      const job = jobs.get(decodeURIComponent(id))
      if (url.pathname === "/api/v1/jobs") return { jobs: Array.from(jobs.values(), jobBody), total: jobs.size }
      if (url.pathname === "/api/v1/runs") {
        const limit = Number(url.searchParams.get("limit") ?? 50)
        const of = url.searchParams.get("job_id")
        return {
          runs: runs
            .filter((run) => of === null || run.job === of)
            .slice(0, limit)
            .map(runBody)
        }
      }
      if (url.pathname === "/api/v1/sla/breaches") return { breaches }
      if (job === undefined) return undefined
      if (what === undefined) return { ...jobBody(job), last_exit_code: 0 }
      if (what === "logs") return { job_id: id, lines: ["one line", "and another"], total_lines: 2, source: "file" }
      if (method !== "POST" || what !== "restart" || state.restart === "fails") return undefined
      const before = runOf(job.id)
      if (before.child?.pid !== undefined) process.kill(-before.child.pid, "SIGKILL")
      end(before, -15, "Manually stopped")
      if (state.restart === "stops") return undefined
      start(job.id)
      return { success: true }
    }

    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      if (state.answer?.(request, response) === true) return
      if (state.token !== undefined && request.headers.authorization !== `Bearer ${state.token}`) {
        response.writeHead(401, { "content-type": "application/json" })
        return void response.end('{"detail":"Invalid token"}')
      }
      const body = answerTo(request.method ?? "", new URL(request.url ?? "", "http://x"))
      response.writeHead(body === undefined ? (request.method === "POST" ? 500 : 404) : 200, {
        "content-type": "application/json"
      })
      response.end(JSON.stringify(body ?? { detail: "no" }))
    })
    const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()))
    await listen(0)
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    writeFileSync(join(home, "procclaw.yaml"), `daemon:\n  port: ${port}\n`)

    return {
      folder,
      home,
      url: `http://127.0.0.1:${port}`,
      asked,
      state,
      runs,
      breaches,
      jobs,
      audit,
      add: (job: FakeJob) => void jobs.set(job.id, job),
      remove: (id: string) => void jobs.delete(id),
      start,
      /** The command ends by itself. */
      ends: async (job: string, exitCode: number) => {
        const run = runOf(job)
        const ended = gone(run)
        writeFileSync(doFile(job), `${exitCode}`)
        await ended
        end(run, exitCode, exitCode === 0 ? null : `Exit code: ${exitCode}`)
      },
      /** It is stopped, with all of its processes. */
      stops: async (job: string) => {
        const run = runOf(job)
        await killed(run)
        end(run, -15, "Manually stopped")
      },
      /** ProcClaw says that it has ended, and its agent works on. */
      leaves: (job: string, exitCode: number | null, error: string) => {
        const run = runOf(job)
        // Only the outer shell is ended.
        run.child?.kill("SIGKILL")
        end(run, exitCode, error)
      },
      /** All processes of a job, whatever ProcClaw says. */
      kill: (job: string) => {
        for (const pid of pids()) {
          if (variablesOf(pid, "PROCCLAW_JOB_ID", ["PROCCLAW_JOB_ID"]).PROCCLAW_JOB_ID !== job) continue
          try {
            process.kill(pid, "SIGKILL")
          } catch {
            // It has ended meanwhile.
          }
        }
      },
      lose: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        }),
      find: () => listen(port),
      close: () => {
        for (const run of runs) {
          if (run.child?.pid === undefined) continue
          try {
            process.kill(-run.child.pid, "SIGKILL")
          } catch {
            // It has ended.
          }
        }
        daemon.kill("SIGKILL")
        server.close()
        server.closeAllConnections()
        if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
      }
    }
  }),
  ({ close }) => Effect.sync(close)
)

export type FakeProcClaw = Effect.Effect.Success<typeof makeProcClaw>
