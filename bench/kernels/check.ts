/**
 * Rungs against the reference.
 *
 * @module
 */
import { ReferenceModel } from "../../backends/reference/step.ts";
import { copyTensors } from "../../backends/reference/unit.ts";
import { builtinSpec } from "../../model/builtin.ts";
import type { Checkpoint, Tensor } from "../../model/checkpoint.ts";
import { compilePlan } from "../../model/compile.ts";
import { frameLength, type Plan } from "../../model/plan.ts";
import { openScene } from "../../sources/synthetic.ts";
import type { Runner } from "./runner.ts";

/** What a rung may deviate by from the reference. */
export const TOLERANCE = 1e-5;

/**
 * A built-in model under rule 2016, every layer learning and all contexts on from the first step.
 *
 * @param name the model
 */
export function ladderPlan(name: string): Plan {
  const fields = {
    delay_each_layer_learning: 0,
    enable_lateral_at: 0,
    enable_feedback_at: 0,
    // The rate of classic_medium, which tiny has, is too small for an error in learning to show in a few steps.
    ...(name === "tiny" ? { initial_learning_rate: 0.02 } : {}),
  };
  return compilePlan(builtinSpec(name, { rule: "2016", fields }));
}

/** Frames of the built-in scene. */
export function sceneFrames(plan: Plan, count: number): Uint8Array[] {
  const scene = openScene({ size: plan.frame });
  return Array.from({ length: count }, () => {
    const frame = new Uint8Array(frameLength(plan));
    scene.next(frame);
    return frame;
  });
}

/**
 * The state that the reference reaches.
 *
 * @param plan the model
 * @param checkpoint its first state
 * @param frames what it sees
 */
export function referenceState(
  plan: Plan,
  checkpoint: Checkpoint,
  frames: readonly Uint8Array[],
): Readonly<Record<string, Tensor>> {
  const tensors = copyTensors(checkpoint.tensors, Float32Array);
  const model = new ReferenceModel(plan, tensors, 0, 0);
  model.start();
  for (const frame of frames) {
    model.advance(Float32Array.from(frame, (byte) => byte / 255), [], true, 1);
  }
  return tensors;
}

/**
 * The largest deviation of a rung, relative above 1.
 *
 * @param runner the rung
 * @param frames what it sees
 * @param want the state that it must reach
 * @returns the deviation, and the tensor it is in
 */
export async function deviationOf(
  runner: Runner,
  frames: readonly Uint8Array[],
  want: Readonly<Record<string, Tensor>>,
): Promise<{ readonly most: number; readonly tensor: string }> {
  for (const frame of frames) await runner.step(frame);
  const got = await runner.tensors();
  let worst = { most: 0, tensor: "" };
  for (const [tensor, values] of Object.entries(want)) {
    if (tensor === "frame") continue;
    for (let i = 0; i < values.length; i++) {
      const most = Math.abs((got[tensor]?.[i] ?? NaN) - values[i]!) /
        Math.max(1, Math.abs(values[i]!));
      // Written so that what is no number is the worst.
      if (!(most <= worst.most)) worst = { most: Number.isNaN(most) ? Infinity : most, tensor };
    }
  }
  return worst;
}
