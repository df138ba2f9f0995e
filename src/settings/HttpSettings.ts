/**
 * The settings below `http`: which doors the API has.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"
import * as Kind from "./SettingKind.js"

/** A new setting is one line here, and one in the docs of `HttpSettingsInput` and of the README of `http/`. */
const table = {
  folder: Kind.folder,
  port: Kind.port,
  host: Kind.name("127.0.0.1"),
  allowedHosts: Kind.hosts
}

/** @internal */
export const kinds = table

type Table = typeof table

type InForce = { readonly [K in keyof Table]: Schema.Schema.Type<Table[K]["inCode"]> }

/**
 * The settings of the API in force.
 *
 * @since 0.1.0
 * @category models
 */
export interface HttpSettings extends InForce {}

/**
 * The settings of the API that differ from their defaults. They count where `HealingHttp.layer` is built.
 *
 * - `folder` (the path of the database and `-run`): the absolute path of a folder of its own, for the Unix socket and the tokens.
 * - `port` (none): the TCP port to listen on beside the Unix socket, 0 for any that is free. Without it there is no TCP.
 * - `host` ("127.0.0.1"): the address to listen on with that port. Any other address needs `allowedHosts`.
 * - `allowedHosts` (none): the names under which clients reach that address, as in their `Host` header, such as `build-7.lan` or
 *   `build-7.lan:9877`. `localhost` and the address itself are always allowed.
 *
 * @since 0.1.0
 * @category models
 */
export type HttpSettingsInput = {
  readonly [K in keyof Table]?: Schema.Schema.Encoded<Table[K]["inCode"]> | undefined
}
