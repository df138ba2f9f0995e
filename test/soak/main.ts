/**
 * `npm run soak -- --minutes 30`: a service without rest, for so long. It is killed and restarted in the first fifth of the time, and lives
 * through the rest, with readers that stall. Nothing that it has acknowledged may be lost, and in its long life its memory, its handles,
 * the delay of its loop, the database and the log must stay as they are: flat, or the soak fails.
 */
import { type ChildProcess, fork } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import Database from "better-sqlite3"
import { bundle } from "../support/bundle.js"

interface Sample {
  readonly rss: number
  readonly heap: number
  readonly handles: number
  /** The 99th percentile of the second, in milliseconds. */
  readonly delay: number
  readonly healthy: boolean
}

interface Message {
  readonly acknowledged?: string
  readonly ended?: string
  readonly sample?: Sample
}

const at = process.argv.indexOf("--minutes")
const minutes = at === -1 ? 1 : Number(process.argv[at + 1])
const MINUTE = 60_000
const MEGABYTE = 1024 * 1024

const folder = mkdtempSync(join(tmpdir(), "effect-healing-soak-"))
const file = join(folder, "healing.db")
// As one file, so that the memory is that of the service and not of a compiler.
const service = await bundle(new URL("service.ts", import.meta.url))

/** What was acknowledged, and is not known to have ended. */
const outstanding = new Set<string>()
const counts = { acknowledged: 0, ended: 0, killed: 0, stopped: 0 }
let samples: Array<Sample & { readonly database: number; readonly log: number }> = []

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const start = (): ChildProcess => {
  const child = fork(service, [file], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  child.on("message", ({ acknowledged, ended, sample }: Message) => {
    if (acknowledged !== undefined) {
      counts.acknowledged++
      outstanding.add(acknowledged)
    }
    if (ended !== undefined) {
      counts.ended++
      outstanding.delete(ended)
    }
    if (sample !== undefined) samples.push({ ...sample, database: sizeOf(file), log: sizeOf(`${file}-wal`) })
  })
  return child
}

const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  const ended = new Promise((resolve) => child.once("close", resolve))
  child.kill(signal)
  await ended
}

/** Whatever was acknowledged and has not ended stands in the file. */
const check = (): ReadonlyArray<string> => {
  const database = new Database(file, { readonly: true })
  try {
    const states = new Map(
      (database.prepare("SELECT job, number, state FROM healing_requests").all() as Array<Record<string, unknown>>).map(
        ({ job, number, state }) => [`healing:${job}:${number}`, state]
      )
    )
    const lost = [...outstanding].filter((id) => !states.has(id))
    for (const id of outstanding) {
      const state = states.get(id)
      if (state !== "pending" && state !== "running") outstanding.delete(id)
    }
    return lost
  } finally {
    database.close()
  }
}

/** Reads for so long, as a backup or a person does that has forgotten a transaction. */
const stall = async (millis: number): Promise<void> => {
  const reader = new Database(file, { readonly: true })
  reader.exec("BEGIN")
  reader.prepare("SELECT COUNT(*) FROM healing_requests").get()
  await sleep(millis)
  reader.close()
}

const problems: Array<string> = []

const lost = () => {
  const gone = check()
  if (gone.length > 0) problems.push(`lost: ${gone.slice(0, 5).join(", ")} (${gone.length})`)
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const until = Date.now() + minutes * MINUTE

// The first fifth: lives that end in either way.
const livesUntil = Date.now() + (minutes * MINUTE) / 5
while (Date.now() < livesUntil) {
  const child = start()
  await sleep(Math.min(2000 + Math.random() * 4000, Math.max(500, livesUntil - Date.now())))
  const isKilled = Math.random() < 0.6
  await end(child, isKilled ? "SIGKILL" : "SIGTERM")
  counts[isKilled ? "killed" : "stopped"]++
  lost()
}

// The long life.
samples = []
const child = start()
const readers = (async () => {
  while (Date.now() < until - MINUTE / 2) {
    await stall(Math.min(MINUTE, (until - Date.now()) / 4))
    await sleep(MINUTE / 6)
  }
})()
while (Date.now() < until) await sleep(500)
await readers
await end(child, "SIGTERM")
lost()

/** What must stay as it is: the median of the last third to that of the second one, after it has warmed up in the first. */
const rows = (
  [
    ["memory", ({ rss }) => rss / MEGABYTE, "MB", 1.3, 30],
    ["heap", ({ heap }) => heap / MEGABYTE, "MB", 1.5, 30],
    ["handles", ({ handles }) => handles, "", 1.1, 5],
    ["delay of the loop (p99)", ({ delay }) => delay, "ms", 2, 20],
    ["database", ({ database }) => database / MEGABYTE, "MB", 1.5, 5],
    ["log", ({ log }) => log / MEGABYTE, "MB", 1.5, 40]
  ] satisfies ReadonlyArray<readonly [string, (sample: (typeof samples)[number]) => number, string, number, number]>
).map(([what, of, unit, factor, slack]) => {
  const third = Math.floor(samples.length / 3)
  const [before, after] = [samples.slice(third, 2 * third), samples.slice(2 * third)].map((some) =>
    median(some.map(of))
  )
  const isFlat = (after ?? 0) <= (before ?? 0) * factor + slack
  if (!isFlat) problems.push(`${what} grows: ${before?.toFixed(1)} to ${after?.toFixed(1)} ${unit}`)
  const most = Math.max(...samples.map(of))
  const show = (value = 0) => `${value.toFixed(1)} ${unit}`.trim()
  return `| ${what} | ${show(before)} | ${show(after)} | ${show(most)} | ${isFlat ? "yes" : "no"} |`
})

if (samples.length < 3) problems.push("the service told nothing")
const unwell = samples.filter(({ healthy }) => !healthy).length
if (unwell > 0) problems.push(`it was not well for ${unwell} seconds`)

console.log(
  `${minutes} minutes: ${counts.acknowledged} wishes acknowledged, ${counts.ended} requests ended, ` +
    `${counts.killed} lives killed, ${counts.stopped} stopped\n`
)
console.log("| what | second third | last third | most | flat |\n| --- | --- | --- | --- | --- |")
for (const row of rows) console.log(row)
for (const problem of problems) console.error(problem)
rmSync(folder, { recursive: true, force: true })
process.exit(problems.length === 0 ? 0 : 1)
