/**
 * Lets time go faster, by the clocks and timers of a process and of all that it starts:
 * `NODE_OPTIONS="--import=file:///.../pace.mjs"`. For tests that need what happens in its order only.
 */
import { createRequire, syncBuiltinESMExports } from "node:module"

const PACE = 3

const require = createRequire(import.meta.url)

const faster =
  (timer) =>
  (what, millis = 0, ...rest) =>
    timer(what, millis / PACE, ...rest)

const timers = require("node:timers")
globalThis.setTimeout = timers.setTimeout = faster(setTimeout)
globalThis.setInterval = timers.setInterval = faster(setInterval)

const promises = require("node:timers/promises")
const later = promises.setTimeout
promises.setTimeout = (millis = 0, ...rest) => later(millis / PACE, ...rest)
syncBuiltinESMExports()

const scaled = (read) => {
  const start = read()
  return () => start + (read() - start) * PACE
}
Date.now = scaled(Date.now)
performance.now = scaled(performance.now.bind(performance))
const nanos = process.hrtime.bigint
const firstNanos = nanos()
process.hrtime.bigint = () => firstNanos + (nanos() - firstNanos) * BigInt(PACE)
