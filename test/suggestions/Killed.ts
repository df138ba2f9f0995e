/** What the process that is killed and the test that kills it tell each other. */

export interface Orders {
  readonly database: string
  readonly root: string
  readonly file: string
  readonly seed: number
}

/** What a life finds when it begins. */
export interface Found {
  readonly content: string
  readonly owner: ReadonlyArray<number>
  readonly beside: ReadonlyArray<string>
  /** The newest first. */
  readonly suggestions: ReadonlyArray<{
    readonly id: string
    readonly state: string
    readonly content: string
    readonly lastStep: string
  }>
}

/** So long that a torn one would show. */
export const contentOf = (version: number): string => `v${version} of the script\n`.repeat(400)
