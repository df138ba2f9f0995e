/**
 * R22 by kill -9: a process that tells of reviews is killed at random instants between what it tells of and its delivery, one life after the
 * other on the same file. Every notice arrives at a real receiver, and what comes twice has the same id.
 *
 * `HEALING_KILLS=1000 npm test -- notify/killed` kills so many of them. `HEALING_SEED` chooses when, to within what the machine makes of it.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setImmediate } from "node:timers/promises"
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import { PCGRandom } from "effect/Utils"
import { bundle } from "../support/bundle.js"
import { isFull } from "../support/property.js"

const { HEALING_KILLS, HEALING_SEED } = process.env

const KILLS = Number(HEALING_KILLS ?? (isFull ? 25 : 1))

const SEED = Number(HEALING_SEED ?? (HEALING_KILLS === undefined ? 1 : Date.now() % 1_000_000))

/** How many microseconds there are about between a notice and the next one. */
const SPAN = 20_000

let folder: string

let program: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "effect-healing-telling-"))
  program = await bundle(new URL("tellingChild.ts", import.meta.url))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What has arrived, in its order. */
interface Arrived {
  readonly id: string
  readonly request: string
}

const makeReceiver = async () => {
  const arrived: Array<Arrived> = []
  const listeners = new Set<() => void>()
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk) => {
      body += chunk
    })
    request.on("end", () => {
      arrived.push(JSON.parse(body))
      response.end("ok")
      for (const listener of listeners) listener()
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  /** Ends when so much has arrived. */
  const until = (hasArrived: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!hasArrived()) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      look()
    })
  const { port } = server.address() as AddressInfo
  return { arrived, until, url: `http://127.0.0.1:${port}`, close: () => server.close().closeAllConnections() }
}

const elapse = async (micros: number) => {
  const end = performance.now() + micros / 1000
  while (performance.now() < end) await setImmediate()
}

it(`after ${KILLS} kills, every notice arrives, in the order of its job (HEALING_SEED=${SEED})`, async () => {
  const receiver = await makeReceiver()
  const random = new PCGRandom(SEED)
  const start = (isLast: boolean) =>
    spawn(
      process.execPath,
      [program, JSON.stringify({ file: join(folder, "healing.db"), url: receiver.url, isLast })],
      {
        stdio: ["ignore", "pipe", "inherit"]
      }
    )
  for (let kill = 0; kill < KILLS; kill++) {
    const child = start(false)
    const ended = once(child, "exit")
    const enough = receiver.arrived.length + 1 + random.integer(8)
    await receiver.until(() => receiver.arrived.length >= enough)
    await elapse(random.integer(SPAN))
    child.kill("SIGKILL")
    await ended
  }
  const last = start(true)
  const ended = once(last, "exit")
  const [line] = (await once(createInterface({ input: last.stdout }), "line")) as ReadonlyArray<string>
  const requests: ReadonlyArray<string> = JSON.parse(line ?? "")
  const of = (request: string) => receiver.arrived.filter((one) => one.request === request)
  await receiver.until(() => requests.every((request) => of(request).length > 0))
  last.kill("SIGKILL")
  await ended
  receiver.close()
  assert.isAtLeast(requests.length, KILLS)
  for (const request of requests) {
    assert.strictEqual(new Set(of(request).map(({ id }) => id)).size, 1, `${request} has one notice`)
  }
  const number = (request: string) => Number(request.split(":").at(-1))
  for (const job of ["job-0", "job-1", "job-2"]) {
    const first = requests
      .filter((request) => request.startsWith(`healing:${job}:`))
      .sort(
        (one, other) =>
          receiver.arrived.indexOf(of(one)[0] as Arrived) - receiver.arrived.indexOf(of(other)[0] as Arrived)
      )
    assert.deepStrictEqual(
      first.map(number),
      first.map(number).sort((one, other) => one - other),
      job
    )
  }
}, 600_000)
