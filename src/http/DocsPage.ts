/**
 * The page of docs, which loads nothing: all that it needs stands in it.
 *
 * @internal
 */
import { createHash } from "node:crypto"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"

/** In which a script or a style stands between tags that the page itself has written. */
const INLINE = /<(script|style)[^>]*>([\s\S]*?)<\/\1>/g

const hash = (content: string): string => `'sha256-${createHash("sha256").update(content).digest("base64")}'`

const inlined = (page: string, tag: "script" | "style"): string =>
  Array.from(page.matchAll(INLINE))
    .filter(([, name]) => name === tag)
    .map(([, , content = ""]) => hash(content))
    .join(" ")

/**
 * What a browser may do with the page: run what stands in it, show the pictures in its styles, and try the API out.
 *
 * @internal
 */
export const policyOf = (page: string): string =>
  [
    "default-src 'none'",
    `script-src ${inlined(page, "script")}`,
    `style-src ${inlined(page, "style")}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

/**
 * With the policy for what it inlines. An answer without a page stays as it is.
 *
 * @internal
 */
export const withPolicy = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  if (response.body._tag !== "Uint8Array" || !response.headers["content-type"]?.startsWith("text/html")) return response
  const page = new TextDecoder().decode(response.body.body)
  return HttpServerResponse.setHeader(response, "content-security-policy", policyOf(page))
}
