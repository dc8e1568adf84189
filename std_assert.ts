/** The standard library as the tests use it; apart from `std.ts`, so that no program loads it. */
// @ts-types="./std.d.ts"
export { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
