/**
 * Why a file cannot be read, in words.
 *
 * @internal
 */
import type { PlatformError } from "@effect/platform/Error"
import * as Str from "effect/String"

/** @internal */
export const fileProblem = (error: PlatformError): string => {
  if (error._tag === "BadArgument") return "a name that no file can have"
  return error.reason === "NotFound" ? "no such file" : inWords(error.reason)
}

/** @internal */
export const inWords = (name: string): string => words(Str.pascalToSnake(name))

/** @internal */
export const words = (name: string): string => name.toLowerCase().replaceAll("_", " ")
