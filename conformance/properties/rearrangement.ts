/**
 * The order of units means nothing, and a model may be split.
 *
 * @module
 */
import fc from "fast-check";
import { READABLE } from "../../backends/backend.ts";
import type { Plan } from "../../model/plan.ts";
import { layerOf, unitCount } from "../../model/plan.ts";
import { buildCase } from "../case.ts";
import { dice } from "../plans.ts";
import { claim, type Property, recipesFor, within } from "../property.ts";
import { chooseUnits, part, permute } from "../rearrange.ts";
import { deviation, roundingOf } from "../tolerance.ts";
import { readOf, trace } from "../trace.ts";

function shuffled(plan: Plan, seed: number): number[] {
  const roll = dice(seed);
  const layers = layerOf(plan);
  const keys = Array.from(layers, (layer) => layer * 1000 + roll(1000));
  return Array.from(layers.keys()).sort((a, b) => keys[a]! - keys[b]!);
}

/** Transforms of the plan. */
export const REARRANGEMENT: readonly Property[] = [
  {
    name: "units in another order compute the same",
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { density: 100, format: "f32" }),
        fc.nat(),
        async (recipe, seed) => {
          const { plan, checkpoint, stimuli } = await buildCase(recipe);
          const device = await subject.device();
          const units = shuffled(plan, seed);
          const other = permute(plan, checkpoint, units);
          const a = await trace(device, plan, checkpoint, stimuli);
          const b = await trace(device, other.plan, other.checkpoint, stimuli);
          const limit = roundingOf(plan, subject.info.formats[0] ?? "f32", stimuli.length);
          claim(deviation(b.mse, a.mse) <= limit, "The errors change with the order of the units");
          for (const [name, tensor] of Object.entries(a.checkpoint.tensors)) {
            const want = chooseUnits(plan, name, tensor, units);
            const off = deviation(b.checkpoint.tensors[name]!.subarray(0, want.length), want, name);
            claim(off <= limit, `"${name}" changes by ${off} with the order of the units`);
          }
        },
      ),
  },
  {
    name: "a model split in two equals the whole",
    needs: "parts",
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { density: 100, parts: 0, delay: 1, format: "f32" }),
        fc.nat(),
        async (recipe, seed) => {
          // Each part needs a unit in every layer.
          const layers = recipe.layers.map((units) => Math.max(units, 2));
          const { plan, checkpoint, stimuli } = await buildCase({ ...recipe, layers, width: 8 });
          const roll = dice(seed);
          const sides = Array.from(layerOf(plan), () => roll(2));
          for (const first of plan.layerStart.subarray(0, -1)) {
            [sides[first], sides[first + 1]] = [0, 1];
          }
          const all = Array.from({ length: unitCount(plan) }, (_, u) => u);
          const chosen = [0, 1].map((side) => all.filter((u) => sides[u] === side));
          const device = await subject.device();
          const whole = await trace(device, plan, checkpoint, stimuli);
          const halves = chosen.map((units) => part(plan, checkpoint, units));
          const sessions = [];
          for (const half of halves) sessions.push(await device.load(half.plan, half.checkpoint));
          for (const { input, options } of stimuli) {
            const hidden = [];
            for (const [i, session] of sessions.entries()) {
              hidden.push(await readOf(session, halves[i]!.plan, "hidden"));
            }
            for (const [i, session] of sessions.entries()) {
              const external = Float64Array.of(...input.external ?? [], ...hidden[1 - i]!);
              const step = session.step({ frame: input.frame, external }, options);
              await within(subject, "A step of a part", step);
            }
          }
          const limit = roundingOf(plan, subject.info.formats[0] ?? "f32", stimuli.length);
          for (const [i, session] of sessions.entries()) {
            const { tensors } = await session.save();
            for (const [name, tensor] of Object.entries(whole.checkpoint.tensors)) {
              const want = chooseUnits(plan, name, tensor, chosen[i]!);
              const off = deviation(tensors[name]!.subarray(0, want.length), want, name);
              claim(off <= limit, `"${name}" of a part is ${off} from that of the whole`);
            }
            for (const name of READABLE) {
              const values = await readOf(session, halves[i]!.plan, name);
              claim(values.every(Number.isFinite), `read("${name}") of a part is not finite`);
            }
            await session[Symbol.asyncDispose]();
          }
        },
      ),
  },
];
