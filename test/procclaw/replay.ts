/** A server over real sockets, and a folder, that show of ProcClaw at each moment what was recorded of it then. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Clock, Effect } from "effect"
import type { Machine } from "../../src/procclaw/Machine.js"
import { recorded, type Sample } from "./recordings.js"

const listOf = (name: string, key: string): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  const body = recorded[name]
  const list =
    typeof body === "object" && body !== null && key in body
      ? Object.entries(body).find(([one]) => one === key)?.[1]
      : []
  return Array.isArray(list) ? list : []
}

/** What the clocks there showed, without a zone. */
const local = (at: number): string => new Date(at - 3 * 3_600_000).toISOString().slice(0, -1)

/** - `isSeen`: whether the processes can be seen, so that they count. */
export const replay = (
  name: string,
  samples: ReadonlyArray<Sample>,
  clock: Clock.Clock,
  speed: number,
  isSeen: boolean
) =>
  Effect.gen(function* () {
    const now = () => clock.unsafeCurrentTimeMillis()
    let index = 0
    // A machine that has more to do plays a recording later than it was made.
    let late = 0
    const sample = (): Sample => {
      while (index + 1 < samples.length && (samples[index + 1]?.t ?? 0) <= now()) index++
      const found = samples[index]
      if (found === undefined) throw new Error("there is no sample")
      return found
    }
    const details = new Map(listOf(`${name}-jobs-at-start`, "jobs").map((job) => [job.id, job]))
    const ended = listOf(`${name}-runs-at-end`, "runs").filter(({ finished_at }) => finished_at !== null)
    const bodyOf = (path: string): unknown => {
      const { jobs, openRuns } = sample()
      if (path === "/api/v1/jobs") {
        return { jobs: (jobs ?? []).map((job) => ({ ...details.get(job.id), ...job, queue: null })) }
      }
      if (!path.startsWith("/api/v1/runs?limit=")) return { breaches: [] }
      const open = (openRuns ?? []).map(({ id, job, started_at }) => ({
        id,
        job_id: job,
        started_at,
        finished_at: null,
        status: "running"
      }))
      const openIds = new Set(open.map(({ started_at }) => started_at))
      const past = ended.filter(
        ({ finished_at, started_at }) => String(finished_at) <= local(now()) && !openIds.has(String(started_at))
      )
      return { runs: [...open, ...past].toSorted((a, b) => Number(b.id) - Number(a.id)) }
    }
    const url = yield* Effect.acquireRelease(
      Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
        const server = createServer((request, response) => {
          if (sample().http !== 200) return void request.socket.destroy()
          response.writeHead(200, { "content-type": "application/json" })
          response.end(JSON.stringify(bodyOf(request.url ?? "")))
        }).listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close: () => server.close() }))
        })
      }),
      ({ close }) => Effect.sync(close)
    )
    const home = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "procclaw-"))),
      (home) => Effect.sync(() => rmSync(home, { recursive: true, force: true }))
    )
    mkdirSync(join(home, "logs"))
    const auditLog = join(home, "logs", "daemon.audit.log")
    writeFileSync(auditLog, "")
    const timers = samples
      .filter(({ audit }) => audit.length > 0)
      .map(({ audit, t }) =>
        setTimeout(
          () => {
            late = Math.max(late, now() - t)
            appendFileSync(auditLog, `${audit.join("\n")}\n`)
          },
          Math.max(0, t - now()) / speed
        )
      )
    yield* Effect.addFinalizer(() => Effect.sync(() => timers.forEach(clearTimeout)))
    const machine: Machine = {
      isDaemonHere: () => isSeen && sample().http === 200,
      jobs: () => {
        const { livePids, procs } = sample()
        const all = [
          ...livePids.map(({ job }) => job),
          ...procs.flatMap(([, role, job]) => (role === "wrapper" ? [] : [job]))
        ]
        return Array.from(new Set(all), (job) => ({ job, isForeign: false }))
      },
      heartbeats: () => sample().heartbeats.flatMap(([name, age]) => (age < 8 ? [name.replace(/-\d+$/, "")] : []))
    }
    return { url: url.url, home, machine, late: () => late }
  })
