//! What a step does with its weights (`backends/step_cost.ts`, `backends/deferred_cost.ts`).

use crate::abi::Plan;
use crate::model::Unit;
use crate::pairs::Pairs;

/// Totals since the last report.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub macs: f64,
    pub read: f64,
    pub written: f64,
}

/// Adds a step that touches each weight once, for a unit.
pub fn add_dense(cost: &mut Cost, plan: &Plan, unit: &Unit, learns: bool) {
    let hidden = plan.hidden as usize;
    let encoder = (hidden * unit.inputs as usize) as f64;
    let decoder = ((hidden + 1) * unit.outputs as usize) as f64;
    let bytes = matrix_bytes(plan, unit);
    if learns {
        let arrays = if unit.encoder.momentum.is_null() { 1.0 } else { 2.0 };
        cost.macs += (arrays + 1.0) * encoder + (arrays + 2.0) * decoder;
        cost.read += arrays * bytes;
        cost.written += arrays * bytes;
    } else {
        cost.macs += encoder + decoder;
        cost.read += bytes;
    }
}

fn matrix_bytes(plan: &Plan, unit: &Unit) -> f64 {
    let hidden = plan.hidden as usize;
    (4 * (hidden * unit.input_columns as usize + (hidden + 1) * unit.output_columns as usize)) as f64
}

/// Adds a step of a unit that defers, by what is known of it before the step.
pub fn add_deferred(cost: &mut Cost, plan: &Plan, hidden_columns: usize, unit: &Unit, learns: bool) {
    let Pairs { count, pending, due, carried, .. } = unit.pairs;
    let (hidden, inputs, outputs) = (plan.hidden as usize, unit.inputs as usize, unit.outputs as usize);
    // Whole panels of four are read, whether all pairs in them count or not.
    let panels = |count: u32| (count as usize).next_multiple_of(4);
    let before = panels(count);
    let after = if learns { panels((count + 1).min(plan.ring() as u32)) } else { before };
    let (columns, output_columns) = (unit.input_columns as usize, unit.output_columns as usize);
    let weights = matrix_bytes(plan, unit);
    let (encoder, decoder) = (hidden * inputs, (hidden + 1) * outputs);
    let loaded = !unit.encoder.momentum.is_null() && carried < plan.defer_window;
    // In its last step what was loaded counts only before the update.
    let ends = learns && carried + 1 >= plan.defer_window;
    let pair = 4 * (columns + 2 * hidden_columns + output_columns);

    cost.macs += (encoder + decoder + after * (inputs + hidden + outputs + hidden + 1)) as f64;
    cost.read += weights + (after * pair) as f64;
    if loaded {
        cost.macs += (if ends { decoder } else { encoder + decoder }) as f64;
        cost.read += if ends { (4 * (hidden + 1) * output_columns) as f64 } else { weights };
    }
    if !learns {
        return;
    }
    cost.macs += (decoder + before * (outputs + hidden + 1)) as f64;
    if loaded && !ends {
        cost.macs += decoder as f64;
    }
    cost.written += pair as f64;
    if due <= 1 {
        cost.macs += ((pending as usize + 1) * (encoder + decoder)) as f64;
        cost.written += weights;
    }
}
