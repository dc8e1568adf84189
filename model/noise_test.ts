/** The noise of stochastic rounding. */
import { assertEquals } from "../std_assert.ts";
import { noise } from "./noise.ts";

/** noise(1, 2, 3, 0, 4, 5) by another program, in Python with integers modulo 2^32. */
const PYTHON = 418057510;

Deno.test("noise() is what its definition says, and differs in each of its arguments", () => {
  const of = { seed: 1, step: 2, unit: 3, matrix: 0 } as const;
  assertEquals(noise(of, 4, 5), PYTHON);
  const others = [
    noise({ ...of, seed: 2 }, 4, 5),
    noise({ ...of, step: 3 }, 4, 5),
    noise({ ...of, unit: 4 }, 4, 5),
    noise({ ...of, matrix: 1 }, 4, 5),
    noise(of, 5, 5),
    noise(of, 4, 6),
    noise(of, 5, 4),
  ];
  assertEquals(new Set([PYTHON, ...others]).size, 8);
});
