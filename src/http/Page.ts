/**
 * The page: a single file, which loads nothing from elsewhere.
 *
 * @internal
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { policyOf } from "./DocsPage.js"

/** @internal */
export const isPage = (url: string): boolean => /^\/page(?:\?|$)/.test(url)

/** It makes no HTML of texts, and a browser sees to that. */
const NO_TEXT_IS_HTML = "require-trusted-types-for 'script'; trusted-types 'none'"

/**
 * It is loaded when somebody wants to see it.
 *
 * @internal
 */
export const load: Effect.Effect<HttpServerResponse.HttpServerResponse> = Effect.map(
  Effect.promise(() => import("#page")),
  ({ default: page }) =>
    HttpServerResponse.text(page, {
      contentType: "text/html; charset=utf-8",
      headers: { "content-security-policy": `${policyOf(page)}; ${NO_TEXT_IS_HTML}` }
    })
)
