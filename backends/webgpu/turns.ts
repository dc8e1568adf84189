/**
 * How often the loops of the program turn. Mesa's llvmpipe, WebGPU on a CPU, ends every loop of an invocation after 65,535 turns of all
 * its loops together, and says nothing: a unit with more must not be loaded there.
 *
 * @module
 */
import { type Plan, unitCount } from "../../model/plan.ts";
import { type Lanes, lanesOf, WORKGROUP } from "./layout.ts";
import { LANES, ROWS } from "./passes_wgsl.ts";

/** Turns that llvmpipe does. */
export const LLVMPIPE_TURNS = 65535;

/** As many turns as a loop over a vector takes. */
const along = (values: number) => Math.ceil(values / WORKGROUP);

/** Of a pass over rows, and of the sums over its slices. */
function passTurns(count: number, { quads, width, slices }: Lanes): number {
  const rows = Math.ceil(count / (ROWS * slices)) + ROWS;
  const sums = along(4 * width) * (1 + slices);
  return Math.ceil(quads / width) * (1 + rows + sums);
}

/**
 * The most turns that an invocation takes in a step of any unit; at most some tens too many.
 *
 * @param plan the model
 */
export function turnsOf(plan: Plan): number {
  const { hidden: H } = plan;
  const [encoder, decoder] = [lanesOf(H), lanesOf(H + 1)];
  const { quads, width, slices } = decoder;
  let most = 0;
  for (let u = 0; u < unitCount(plan); u++) {
    const [n, m] = [plan.inputs[u]!, plan.outputs[u]!];
    const sums = along(ROWS * slices) * (1 + Math.floor(width / LANES) + width % LANES);
    const decode = Math.ceil(m / (ROWS * slices)) * (1 + Math.ceil(quads / width) + sums);
    // No vector is longer than input or output; a rule has some loops over each, and four sums of 32 turns.
    const vectors = 8 * along(n) + 8 * along(m) + 6 * along(H) + 4 * 32;
    const turns = passTurns(m, decoder) + passTurns(n, encoder) + decode + vectors;
    most = Math.max(most, turns);
  }
  return most;
}
