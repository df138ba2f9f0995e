/**
 * The session of this tab: the code of a link becomes one, and the tab keeps it until it is closed.
 *
 * @internal
 */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as Effect from "effect/Effect"
import { HealingApi } from "../http/HealingApi.js"

const KEY = "effect-healing.session"

/** Nobody who comes to this tab later finds the code in its address, or in its history. */
const takeCode = (): string | undefined => {
  const [, code] = /^#code=([\w-]+)$/.exec(location.hash) ?? []
  if (code !== undefined) history.replaceState(null, "", `${location.pathname}${location.search}`)
  return code
}

/**
 * The session, if there is one. An app that mounts the API knows who looks without any.
 *
 * @internal
 */
export const find = (baseUrl: string) =>
  Effect.gen(function* () {
    const code = takeCode()
    if (code === undefined) return sessionStorage.getItem(KEY) ?? undefined
    // One that has failed is not followed by that of somebody else.
    sessionStorage.removeItem(KEY)
    const client = yield* HttpApiClient.make(HealingApi, { baseUrl })
    const { session } = yield* client.page.open({ payload: { code } })
    sessionStorage.setItem(KEY, session)
    return session
  })

/** @internal */
export const forget = (): void => sessionStorage.removeItem(KEY)
