/**
 * The parts of the Deno standard library this project uses, with types. Where JSR cannot be reached the names resolve to an
 * untyped npm republication (`deno.json`); with `deno.jsr.json` they resolve to JSR. Import from here only.
 *
 * @module
 */
// @ts-types="./std.d.ts"
export { parseArgs } from "@std/cli/parse-args";
// @ts-types="./std.d.ts"
export { closestString } from "@std/text/closest-string";
// @ts-types="./std.d.ts"
export { bold, dim, green, red, yellow } from "@std/fmt/colors";
