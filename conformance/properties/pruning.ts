/**
 * Pruned weights are neither read nor written.
 *
 * @module
 */
import fc from "fast-check";
import type { Tensor } from "../../model/checkpoint.ts";
import { buildCase } from "../case.ts";
import { claim, type Property, recipesFor } from "../property.ts";
import { trace } from "../trace.ts";

/** NaN shows a read; a finite value shows a write, which NaN + x would hide. */
function pruned(name: string, poison: number): Property {
  return {
    name,
    needs: "masks",
    of: (subject) =>
      fc.asyncProperty(
        recipesFor(subject, { learn: "always" }),
        fc.integer({ min: 5, max: 95 }),
        async (recipe, density) => {
          const { plan, checkpoint, stimuli } = await buildCase({ ...recipe, density });
          const device = await subject.device();
          const tensors: Record<string, Tensor> = { ...checkpoint.tensors };
          for (const name of ["encoder", "decoder"] as const) {
            const kept = plan.mask![name];
            tensors[name] = tensors[name]!.map((weight, i) => kept[i] === 1 ? weight : poison);
          }
          const clean = await trace(device, plan, checkpoint, stimuli);
          const got = await trace(device, plan, { ...checkpoint, tensors }, stimuli);
          for (const [name, values] of Object.entries(clean.checkpoint.tensors)) {
            const kept = name === "encoder" || name === "decoder" ? plan.mask![name] : undefined;
            const saved = got.checkpoint.tensors[name]!;
            for (let i = 0; i < values.length; i++) {
              // Whoever packs has forgotten what was there: 0.
              const same = kept?.[i] === 0
                ? Object.is(saved[i], poison) || saved[i] === 0
                : Object.is(saved[i], values[i]);
              claim(
                same,
                kept?.[i] === 0
                  ? `The pruned weight ${name}[${i}] was written: ${saved[i]}`
                  : `"${name}"[${i}] depends on a pruned weight: ${saved[i]} instead of ${
                    values[i]
                  }`,
              );
            }
          }
          claim(
            got.mse.every((error, i) => Object.is(error, clean.mse[i])),
            "The errors depend on pruned weights",
          );
        },
      ),
  };
}

/** Masks. */
export const PRUNING: readonly Property[] = [
  pruned("pruned weights are not read", NaN),
  pruned("pruned weights are not written", 12345),
];
