/** Builds the page once for all tests, as the API serves it. */
import { fileURLToPath } from "node:url"

// A script in JavaScript, which has no types.
const script = fileURLToPath(new URL("../../src/page/build.mjs", import.meta.url))

export default async (): Promise<void> => {
  const { makePage } = await import(script)
  await makePage()
}
