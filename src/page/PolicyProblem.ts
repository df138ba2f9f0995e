/**
 * What is wrong with a policy, in a line.
 *
 * @internal
 */
import type { ApiProblem } from "../http/ApiModel.js"

/** @internal */
export const problemText = ({ expected, key }: Pick<ApiProblem, "expected" | "key">): string =>
  key === "" ? expected : `${key}: ${expected}`
