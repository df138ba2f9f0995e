/**
 * Finds what is secret of a channel where its settings say that it is.
 *
 * @internal
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { HealingConfigError } from "../HealingError.js"
import * as SecretFile from "../internal/SecretFile.js"
import type { NotifyChannel } from "../settings/HealingConfig.js"
import { secretSource } from "../settings/NotifyChannel.js"

/**
 * What is wrong with the settings of a channel. What was found is told only if it is no secret.
 *
 * @internal
 */
export const wrong = (channel: string, key: string, found: string, expected: string): HealingConfigError =>
  new HealingConfigError({
    issues: [{ source: "settings", key: `notify.channels.${channel}${key === "" ? "" : `.${key}`}`, found, expected }]
  })

const fromVariable = (channel: string, key: string, variable: string) =>
  Effect.configProviderWith((provider) => provider.load(Config.option(Config.nonEmptyString(variable)))).pipe(
    Effect.orElseSucceed(() => Option.none<string>()),
    Effect.flatMap(
      Option.match({
        onNone: () =>
          wrong(channel, `${key}Env`, "what is not shown here", "the name of an environment variable that is set"),
        onSome: (value) => Effect.succeed(Redacted.make(value))
      })
    )
  )

const fromFile = (channel: string, key: string, path: string) =>
  Effect.mapError(SecretFile.read(path), (found) => wrong(channel, `${key}File`, found, SecretFile.EXPECTED))

const NONE: Effect.Effect<undefined> = Effect.sync(() => undefined)

/**
 * - `key`: `url`, `token` or `secret`.
 *
 * @internal
 */
export const find = (
  name: string,
  channel: NotifyChannel,
  key: string
): Effect.Effect<Redacted.Redacted | undefined, HealingConfigError, FileSystem> => {
  const source = secretSource(channel, key)
  if (source === undefined) return NONE
  const { file, value, variable } = source
  if (value !== undefined) return Effect.succeed(value)
  if (variable !== undefined) return fromVariable(name, key, variable)
  return file === undefined ? NONE : fromFile(name, key, file)
}

/**
 * One that has to be there: so its settings say.
 *
 * @internal
 */
export const mustFind = (name: string, channel: NotifyChannel, key: string) =>
  Effect.flatMap(find(name, channel, key), (found) =>
    found === undefined ? wrong(name, key, "nothing", `${key}, ${key}Env or ${key}File`) : Effect.succeed(found)
  )

/**
 * An address of HTTP.
 *
 * @internal
 */
export const findUrl = (name: string, channel: NotifyChannel, protocols: ReadonlyArray<string> = ["https:", "http:"]) =>
  Effect.filterOrFail(
    mustFind(name, channel, "url"),
    (url) => {
      const address = URL.canParse(Redacted.value(url)) ? new URL(Redacted.value(url)) : undefined
      return address !== undefined && protocols.includes(address.protocol) && address.hostname !== ""
    },
    () =>
      wrong(
        name,
        "url",
        "what is not shown here",
        `an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`
      )
  )
