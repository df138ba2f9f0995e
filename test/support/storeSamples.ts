/** What the tests of the store share: requests, and the changes that make them. */
import { Effect, Layer } from "effect"
import { type HealingRequest, HealingStore, type RequestState, type Suggestion } from "effect-healing"
import { idOf } from "../../src/request/HealingRequest.js"
import type { Transition } from "../../src/store/Change.js"

export const openStore = <E, R>(layer: Layer.Layer<HealingStore, E, R>) =>
  Effect.flatMap(Layer.build(layer), (context) => Effect.provide(HealingStore, context))

export const aRequest = (number: number, fields: Partial<HealingRequest> = {}): HealingRequest => ({
  number,
  job: "A",
  state: "pending",
  priority: -10,
  triggers: ["manual"],
  runId: null,
  note: null,
  callersOnly: false,
  submittedAt: number,
  notBefore: null,
  waitUntil: null,
  attempts: 0,
  starts: [],
  endedAt: null,
  reason: null,
  coalescedInto: null,
  report: null,
  cooldown: null,
  signatures: [],
  ...fields,
  id: idOf(fields.job ?? "A", number)
})

export const ended = (number: number, endedAt: number, fields: Partial<HealingRequest> = {}): HealingRequest =>
  aRequest(number, { state: "completed", report: { summary: "fine" }, ...fields, endedAt })

export const insert = (to: HealingRequest): Transition => ({ _tag: "Transition", from: null, to })

export const move = (from: RequestState, to: HealingRequest): Transition => ({ _tag: "Transition", from, to })

/** One that asks for nothing but attention. */
export const aSuggestion: Suggestion = {
  category: "config",
  severity: "high",
  title: "Remove old logs",
  description: "They fill the disk.",
  currentState: null,
  change: "Keep seven of them.",
  expectedImpact: null,
  targetFile: null,
  proposedContent: null,
  fileHash: null
}
