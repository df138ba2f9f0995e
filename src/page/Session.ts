/**
 * The session of this tab: the code of a link becomes one, and the tab keeps it until it is closed.
 *
 * @internal
 */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as Effect from "effect/Effect"
import { HealingApi } from "../http/HealingApi.js"
import * as Kept from "./Kept.js"

const KEY = "effect-healing.session"

/**
 * The code in the address, which is taken out of it: nobody who comes to this tab later finds it there, or in its history.
 *
 * @internal
 */
export const takeCode = (): string | undefined => {
  const [, code] = /^#code=([\w-]+)$/.exec(location.hash) ?? []
  if (code !== undefined) history.replaceState(null, "", `${location.pathname}${location.search}`)
  return code
}

/**
 * The session of the code, or the one that this tab has. Without any, an app that mounts the API may know who looks.
 *
 * @internal
 */
export const find = (baseUrl: string, code: string | undefined) =>
  Effect.gen(function* () {
    if (code === undefined) return Kept.inTab.get(KEY)
    const client = yield* HttpApiClient.make(HealingApi, { baseUrl })
    const { session } = yield* client.page.open({ payload: { code } })
    Kept.inTab.set(KEY, session)
    return session
  })

/** @internal */
export const forget = (): void => Kept.inTab.remove(KEY)
