/**
 * Who sees whom: the children a unit predicts and the units that give it context (pvm-spec 5).
 *
 * @module
 */
import type { Spec } from "./spec.ts";

/** Lateral context comes from the same layer, feedback from above. */
export type ContextKind = "lateral" | "feedback";

/** One unit and its connections, in wiring order. */
export interface UnitWiring {
  /** Its number: layer by layer, row by row. */
  readonly id: number;
  /** Its layer; 0 is at the pixels. */
  readonly layer: number;
  /** Its row in the grid of the layer. */
  readonly row: number;
  /** Its column. */
  readonly column: number;
  /** The units whose hidden outputs it predicts; none in layer 0. */
  readonly children: number[];
  /** The units whose hidden outputs it is given, and of how many steps ago. */
  readonly context: { readonly unit: number; readonly kind: ContextKind; readonly delay: number }[];
}

/** The first unit of each layer, and the number of all units. */
export function layerStarts(shapes: readonly number[]): number[] {
  const starts = [0];
  for (const side of shapes) starts.push(starts.at(-1)! + side * side);
  return starts;
}

/**
 * All units of a specification with their connections.
 *
 * Under rule saccade a disabled kind of context is not wired; under rule 2016 it keeps its columns (they see zeros).
 *
 * @param spec a complete specification
 * @returns the units in the order of their ids
 */
export function wire(spec: Spec): UnitWiring[] {
  const shapes = spec.layer_shapes;
  const start = layerStarts(shapes);
  const units: UnitWiring[] = shapes.flatMap((side, layer) =>
    Array.from({ length: side * side }, (_, i) => ({
      id: start[layer]! + i,
      layer,
      row: Math.floor(i / side),
      column: i % side,
      children: [],
      context: [],
    }))
  );
  const layerUnits = (layer: number) => units.slice(start[layer], start[layer + 1]);
  const absent = (kind: ContextKind) =>
    spec.rule === "saccade" && (kind === "lateral" ? spec.disable_lateral : spec.disable_feedback);
  const give = (to: number, from: number, kind: ContextKind) => {
    // Where the window of two layers back is wider than the grid, ids before it belong to the layer below, as in the release.
    if (!absent(kind)) units[to]?.context.push({ unit: from, kind, delay: 1 });
  };

  const wireLateral = (layer: number) => {
    // The released code forgot the layer's offset: every layer saw units of layer 0 (pvm-spec 5, BUG 7).
    const base = spec.lateral === "legacy" ? 0 : start[layer]!;
    for (const unit of layerUnits(layer)) {
      for (const cell of neighbours(unit, shapes[layer]!, spec)) {
        give(unit.id, base + cell, "lateral");
      }
    }
  };

  wireLateral(0);
  for (let layer = 1; layer < shapes.length; layer++) {
    for (const unit of layerUnits(layer)) {
      const { fan_in_square_size: window, fan_in_radius: radius } = spec;
      for (const cell of fanIn(unit, shapes[layer - 1]!, shapes[layer]!, window, radius)) {
        const child = start[layer - 1]! + cell;
        unit.children.push(child);
        give(child, unit.id, "feedback");
      }
    }
    wireLateral(layer);
    if (spec.send_context_two_layers_back && layer > 1) {
      for (const unit of layerUnits(layer)) {
        const window = 2 * spec.fan_in_square_size;
        const radius = 2 * spec.fan_in_radius;
        for (const cell of fanIn(unit, shapes[layer - 2]!, shapes[layer]!, window, radius)) {
          give(start[layer - 2]! + cell, unit.id, "feedback");
        }
      }
    }
  }
  if (spec.last_layer_context_to_all) {
    const top = layerUnits(shapes.length - 1);
    for (const unit of units.slice(0, start[shapes.length - 1])) {
      for (const { id } of top) give(unit.id, id, "feedback");
    }
  }
  if (spec.rule === "saccade") {
    for (const { id, context } of units) {
      for (const delay of spec.own_delays) context.push({ unit: id, kind: "lateral", delay });
    }
  }
  return units;
}

/** Cells of a grid within the lateral radius, rows outermost. */
function neighbours(unit: UnitWiring, side: number, spec: Spec): number[] {
  const reach = Math.floor(spec.lateral_radius);
  const cells: number[] = [];
  for (let dr = -reach; dr <= reach; dr++) {
    for (let dc = -reach; dc <= reach; dc++) {
      const row = unit.row + dr;
      const column = unit.column + dc;
      if (dr * dr + dc * dc > spec.lateral_radius ** 2) continue;
      if (row < 0 || column < 0 || row >= side || column >= side) continue;
      if (spec.context_exclude_self && dr === 0 && dc === 0) continue;
      cells.push(row * side + column);
    }
  }
  return cells;
}

/**
 * Cells of the lower grid that a unit of the upper grid sees: a window spread evenly over the lower grid, without the cells
 * farther than `radius` from its centre.
 */
function fanIn(
  unit: UnitWiring,
  lower: number,
  upper: number,
  window: number,
  radius: number,
): number[] {
  const centre = (window - 1) / 2;
  // A window wider than the lower grid begins before it; truncation towards 0 as in the release.
  const place = (at: number, offset: number) =>
    upper > 1
      ? Math.trunc((lower - window) / (upper - 1) * at + offset)
      : Math.trunc((lower - window) / 2 + offset);
  const cells: number[] = [];
  for (let i = 0; i < window; i++) {
    for (let j = 0; j < window; j++) {
      if ((i - centre) ** 2 + (j - centre) ** 2 > radius * radius) continue;
      cells.push(place(unit.row, i) * lower + place(unit.column, j));
    }
  }
  return cells;
}
