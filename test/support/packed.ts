/** Packs the package once for all tests of a full run: `inject("packed")` tells where. */
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    readonly packed: { readonly tarball: string; readonly paths: ReadonlyArray<string> }
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url))

const npm = (...args: ReadonlyArray<string>) => promisify(execFile)("npm", args, { cwd: root })

export default async ({ provide }: TestProject) => {
  const folder = await mkdtemp(join(tmpdir(), "effect-healing-packed-"))
  await npm("run", "build")
  const { stdout } = await npm("pack", "--ignore-scripts", "--json", "--pack-destination", folder)
  const [{ filename, files }] = JSON.parse(stdout)
  provide("packed", {
    tarball: join(folder, filename),
    paths: files.map(({ path }: { readonly path: string }) => path)
  })
  return () => rm(folder, { recursive: true, force: true })
}
