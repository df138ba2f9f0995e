/**
 * That rules apply nothing to a job any more, until somebody says so.
 *
 * @since 0.1.0
 */

/**
 * What a rule has applied to a job has relapsed: rules apply nothing to the job until somebody unlocks it.
 *
 * - `job`: its name.
 * - `suggestion`: the id of what has relapsed.
 * - `rule`: the name of the rule that has applied it.
 * - `at`: since when, in milliseconds since 1970.
 *
 * @since 0.1.0
 * @category models
 */
export interface AutomaticLock {
  readonly job: string
  readonly suggestion: string
  readonly rule: string
  readonly at: number
}
