/**
 * The page as `build.mjs` makes it, under the name `#page`: a single file of HTML.
 *
 * @internal
 */
declare const page: string
export default page
