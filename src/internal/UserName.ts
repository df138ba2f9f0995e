/**
 * Who runs this process.
 *
 * @internal
 */
import { userInfo } from "node:os"
import * as Effect from "effect/Effect"

/** @internal */
export const userName: Effect.Effect<string> = Effect.try(() => userInfo().username).pipe(
  // In a container, a user may have no name.
  Effect.orElseSucceed(() => `user ${process.getuid?.()}`)
)
