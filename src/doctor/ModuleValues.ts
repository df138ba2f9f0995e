/**
 * What `pm2 set effect-healing:<key> <value>` has kept.
 *
 * @internal
 */
import { join } from "node:path"
import { FileSystem } from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { MODULE } from "../pm2/Home.js"

/** Those that the doctor needs; the module itself checks all of them when it starts. */
const Values = Schema.Struct({
  openclaw_namespace: Schema.optionalWith(Schema.String, { exact: true }),
  openclaw_name: Schema.optionalWith(Schema.String, { exact: true }),
  openclaw_command: Schema.optionalWith(Schema.String, { exact: true }),
  model: Schema.optionalWith(Schema.String, { exact: true })
})

/** @internal */
export interface ModuleValues extends Schema.Schema.Type<typeof Values> {}

const decode = Schema.decodeUnknown(Schema.parseJson(Schema.Struct({ [MODULE]: Values })))

/**
 * Nothing where nothing was set.
 *
 * @internal
 */
export const read = (home: string): Effect.Effect<ModuleValues, never, FileSystem> =>
  FileSystem.pipe(
    Effect.flatMap((fs) => fs.readFileString(join(home, "module_conf.json"))),
    Effect.flatMap(decode),
    Effect.map((found) => found[MODULE]),
    Effect.orElseSucceed(() => ({}))
  )
