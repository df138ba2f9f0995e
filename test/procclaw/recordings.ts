/**
 * Recordings of a real ProcClaw daemon, version 0.1.0, on a machine in America/Sao_Paulo: answers of its API, and two timelines with what really
 * ran at each moment, by the process table. `openclaw` was a stand-in that sleeps and prints. Tokens in them are invented.
 */
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"

const unzipped = (name: string): string => gunzipSync(readFileSync(new URL(name, import.meta.url))).toString("utf8")

/** Where the daemon was. */
export const ZONE = "America/Sao_Paulo"

export const recorded: Readonly<Record<string, unknown>> = JSON.parse(unzipped("recorded.json.gz"))

/** A question and its answer. */
export interface Exchange {
  readonly name?: string
  readonly request: { readonly method: string; readonly path: string }
  readonly status: number
  readonly body: unknown
}

export const exchanges = (name: string): ReadonlyArray<Exchange> => {
  const all = recorded[name]
  if (!Array.isArray(all)) throw new Error(`there is no recording ${name}`)
  return all.filter((one) => typeof one === "object" && one !== null && "request" in one)
}

export interface Sample {
  /** In milliseconds since 1970. */
  readonly t: number
  /** 200 if both questions were answered. */
  readonly http: number
  readonly jobs: ReadonlyArray<{
    readonly id: string
    readonly type: string
    readonly status: string
    readonly pid: number | null
  }> | null
  readonly openRuns: ReadonlyArray<{ readonly id: number; readonly job: string; readonly started_at: string }> | null
  readonly audit: ReadonlyArray<string>
  /** The agents that lived. */
  readonly livePids: ReadonlyArray<{ readonly job: string }>
  readonly procs: ReadonlyArray<readonly [pid: number, role: string, job: string, run: number]>
  readonly heartbeats: ReadonlyArray<readonly [name: string, age: number]>
  /** Whether the truth changed while it was looked at. */
  readonly changing?: boolean
}

type Line = Sample & { readonly recording: string }

const lines = unzipped("timelines.jsonl.gz")
  .trimEnd()
  .split("\n")
  .map((line): Line => JSON.parse(line))

export const timeline = (name: string): ReadonlyArray<Sample> => lines.filter(({ recording }) => recording === name)
