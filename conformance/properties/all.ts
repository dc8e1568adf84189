/**
 * All properties, in the order in which the kit asks for them.
 *
 * @module
 */
import type { Property } from "../property.ts";
import { AGREEMENT } from "./agreement.ts";
import { LEARNING_OFF } from "./learning_off.ts";
import { lifecycle } from "./lifecycle.ts";
import { LOSS } from "./loss.ts";
import { MEMORY } from "./memory.ts";
import { PRUNING } from "./pruning.ts";
import { QUEUE } from "./queue.ts";
import { RACES } from "./races.ts";
import { REARRANGEMENT } from "./rearrangement.ts";
import { REFUSAL } from "./refusal.ts";
import { REPORTS } from "./reports.ts";
import { ROUNDING } from "./rounding.ts";
import { STATE } from "./state.ts";

/**
 * Every property of a conformant backend.
 *
 * @param replayPath of a counterexample of the lifecycle
 */
export function allProperties(replayPath?: string): readonly Property[] {
  return [
    ...REFUSAL,
    ...AGREEMENT,
    LEARNING_OFF,
    ...STATE,
    ...QUEUE,
    ...REPORTS,
    ...PRUNING,
    ...ROUNDING,
    ...REARRANGEMENT,
    RACES,
    lifecycle(replayPath),
    ...LOSS,
    ...MEMORY,
  ];
}
