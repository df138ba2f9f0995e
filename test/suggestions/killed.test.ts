/**
 * R20 by kill -9: a process that applies suggestions and takes them back is killed at random instants, one life after the other on the same
 * file and database.
 *
 * `HEALING_KILLS=1000 npm test -- killed` kills so many of them. `HEALING_SEED` chooses when, to within what the machine makes of it.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { createInterface } from "node:readline"
import { setImmediate } from "node:timers/promises"
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import { PCGRandom } from "effect/Utils"
import { bundle } from "../support/bundle.js"
import { isFull } from "../support/property.js"
import { contentOf, type Found, type Orders } from "./Killed.js"

const { HEALING_KILLS, HEALING_SEED } = process.env

const KILLS = Number(HEALING_KILLS ?? (isFull ? 25 : 1))

const SEED = Number(HEALING_SEED ?? (HEALING_KILLS === undefined ? 1 : Date.now() % 1_000_000))

/** How many microseconds an application takes, about, with its way back. */
const SPAN = 40_000

let folder: string

let program: string

beforeAll(async () => {
  // On a real disk, as folders are by which a file is reached.
  folder = realpathSync(mkdtempSync(join(tmpdir(), "effect-healing-killed-")))
  chmodSync(folder, 0o755)
  program = await bundle(new URL("applyingChild.ts", import.meta.url))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const elapse = async (micros: number) => {
  const end = performance.now() + micros / 1000
  while (performance.now() < end) await setImmediate()
}

/** Lives until after so many applications and rollbacks have begun, and then so many microseconds. Answers with what it has found. */
const live = async (orders: Orders, many: number, micros: number): Promise<Found> => {
  const child: ChildProcess = spawn(process.execPath, [program, JSON.stringify(orders)], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = once(child, "exit")
  let found: Found | undefined
  let begun = 0
  // There is a pipe.
  for await (const text of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const line: Found | string = JSON.parse(text)
    if (typeof line !== "string") found = line
    else if (++begun === many) {
      await elapse(micros)
      child.kill("SIGKILL")
    }
  }
  const [, signal] = await ended
  assert.strictEqual(signal, "SIGKILL", `it has ended by itself (HEALING_SEED=${SEED})`)
  assert(found !== undefined)
  return found
}

const check = (found: Found, owner: ReadonlyArray<number>, file: string, label: string) => {
  const { beside, content, suggestions } = found
  const version = Number(/^v(\d+)/.exec(content)?.[1])
  // It is whole, keeps its owner, and nothing is left beside it.
  assert.strictEqual(content, contentOf(version), label)
  assert.deepStrictEqual(found.owner, owner, label)
  assert.deepStrictEqual(beside, [basename(file)], label)
  // A row says what stands in it.
  for (const { id, lastStep, state } of suggestions) {
    assert.notStrictEqual(state, "applying", label)
    assert.notStrictEqual(state, "failed", label)
    assert.strictEqual(lastStep, state, `${label} ${id}`)
  }
  const [inForce] = suggestions.filter(({ state }) => state === "applied")
  assert.strictEqual(content, inForce?.content ?? contentOf(1), label)
}

it(`killed ${KILLS} times, it leaves the old file or the new one, and a row that says which`, async () => {
  const random = new PCGRandom(SEED)
  const root = join(folder, "jobs")
  mkdirSync(root, { mode: 0o755 })
  const file = join(root, "job.sh")
  writeFileSync(file, contentOf(1))
  if (process.getuid?.() === 0) chownSync(file, 1234, 2345)
  chmodSync(file, 0o750)
  const owner =
    process.getuid?.() === 0 ? [1234, 2345, 0o750] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0, 0o750]
  const orders = { database: join(folder, "healing.db"), root, file }
  for (let kill = 0; kill < KILLS; kill++) {
    const found = await live(
      { ...orders, seed: random.integer(1_000_000) },
      1 + random.integer(4),
      random.integer(SPAN)
    )
    check(found, owner, file, `HEALING_SEED=${SEED}, life ${kill}`)
  }
})
