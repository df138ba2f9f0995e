/**
 * What reading commands read from: the running service, or the file that it has left.
 *
 * @internal
 */
import type * as Effect from "effect/Effect"
import type { ApiJob, ApiStatus, HistoryPage, NoticePage, QueuePage, SuggestionPage } from "../http/HealingHttp.js"
import type { FinalState, HealingRequest } from "../request/HealingRequest.js"
import type { HealingSuggestion, SuggestionState, SuggestionStep } from "../request/HealingSuggestion.js"
import type { DeliveryState } from "../store/NoticeJournal.js"
import type { Problem } from "./Problem.js"

/** @internal */
export interface PastFilter {
  readonly job?: string | undefined
  readonly states?: ReadonlyArray<FinalState> | undefined
  readonly limit: number
  readonly before?: string | undefined
}

/** @internal */
export interface SuggestionFilter {
  readonly job?: string | undefined
  readonly states?: ReadonlyArray<SuggestionState> | undefined
  readonly limit: number
  readonly after?: string | undefined
}

/** @internal */
export interface NoticeFilter {
  readonly job?: string | undefined
  readonly channel?: string | undefined
  readonly states?: ReadonlyArray<DeliveryState> | undefined
  readonly limit: number
  readonly before?: number | undefined
}

/**
 * Each answers in the shape of the API.
 *
 * @internal
 */
export interface Source {
  readonly status: Effect.Effect<ApiStatus, Problem>
  readonly jobs: Effect.Effect<ReadonlyArray<ApiJob>, Problem>
  readonly queue: (limit: number) => Effect.Effect<typeof QueuePage.Type, Problem>
  readonly history: (filter: PastFilter) => Effect.Effect<typeof HistoryPage.Type, Problem>
  readonly request: (id: string) => Effect.Effect<HealingRequest, Problem>
  readonly suggestions: (filter: SuggestionFilter) => Effect.Effect<typeof SuggestionPage.Type, Problem>
  readonly suggestion: (id: string) => Effect.Effect<HealingSuggestion, Problem>
  readonly steps: (id: string) => Effect.Effect<ReadonlyArray<SuggestionStep>, Problem>
  readonly notices: (filter: NoticeFilter) => Effect.Effect<typeof NoticePage.Type, Problem>
}
