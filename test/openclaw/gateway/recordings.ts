/**
 * Recordings of a real gateway, OpenClaw 2026.9.6, with what really ran at each moment: the frames of one connection that only looked
 * (`watch`), of one that asked each half a second how much there was to do (`poll`), and the truth. Bodies of questions that nobody needs were
 * left out, and so was what another connection did to start the work.
 */
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"

export interface RecordedFrame {
  readonly t: number
  readonly conn: "watch" | "poll"
  readonly direction: "in" | "out" | "local"
  readonly frame: {
    readonly type?: string
    readonly id?: string
    readonly ok?: boolean
    readonly method?: string
    readonly event?: string
    readonly payload?: { readonly type?: string }
    readonly local?: string
    readonly code?: number
  }
}

export interface Truth {
  readonly from: number
  readonly to: number
  readonly what: string
  readonly acceptedAt?: number
  readonly outside?: boolean
}

export interface Recording {
  readonly name: string
  readonly frames: ReadonlyArray<RecordedFrame>
  readonly truth: ReadonlyArray<Truth>
}

type Line = { readonly recording: string } & (RecordedFrame | { readonly truth: Truth })

const lines = gunzipSync(readFileSync(new URL("recordings.jsonl.gz", import.meta.url)))
  .toString("utf8")
  .trimEnd()
  .split("\n")
  .map((line): Line => JSON.parse(line))

export const recordings: ReadonlyArray<Recording> = Array.from(
  new Set(lines.map(({ recording }) => recording)),
  (name) => {
    const own = lines.filter(({ recording }) => recording === name)
    return {
      name,
      frames: own.flatMap((line) => ("truth" in line ? [] : [line])).sort((a, b) => a.t - b.t),
      truth: own.flatMap((line) => ("truth" in line ? [line.truth] : []))
    }
  }
)

/** What is no work of the gateway. */
const NO_WORK = new Set(["nothing", "utility-model-rpc", "gateway-frozen", "agent-exec-outside-gateway"])

/** When the gateway really worked: from when it has accepted something, before which nobody can know, until that has ended. */
export const worked = ({ truth }: Recording): ReadonlyArray<{ readonly from: number; readonly to: number }> =>
  truth
    .filter(({ outside, what }) => outside !== true && !NO_WORK.has(what))
    .map(({ acceptedAt, from, to }) => ({ from: Math.max(from, acceptedAt ?? from), to }))
    .toSorted((a, b) => a.from - b.from)
    .reduce<Array<{ from: number; to: number }>>((all, { from, to }) => {
      const last = all.at(-1)
      if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
      else all.push({ from, to })
      return all
    }, [])
