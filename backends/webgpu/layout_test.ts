/** Where a model lies: needs no device. */
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { initialCheckpoint } from "../../model/initialise.ts";
import { lengths, unitCount } from "../../model/plan.ts";
import { assert, assertEquals } from "../../std_assert.ts";
import { layoutOf, listLength, PUBLISHED, tableOf, UNIT } from "./layout.ts";
import { WeightMap } from "./weights.ts";

const plans = ["saccade", "2016"].map((rule) =>
  compilePlan(builtinSpec("tiny", { rule: rule as "saccade" | "2016" }))
);

Deno.test("shards hold each unit once, in order, and none of their buffers is above a binding", () => {
  for (const plan of plans) {
    for (const binding of [2 ** 18, 2 ** 19, 2 ** 20, 2 ** 27]) {
      const limits = { binding, capacity: 1024, quadBytes: 16 };
      const { shards, reasons } = layoutOf(plan, limits);
      assertEquals(reasons, []);
      assert(binding === 2 ** 27 ? shards.length === 1 : shards.length > 1, `${shards.length}`);
      let next = 0;
      for (const { first, end, quads, table, state } of shards) {
        assertEquals(first, next);
        assert(end > first);
        next = end;
        const largest = Math.max(16 * quads, 4 * table, 4 * state, 4 * 1024 * (end - first));
        assert(largest <= binding, `${largest} of ${binding}`);
      }
      assertEquals(next, unitCount(plan));
    }
  }
});

Deno.test("a unit's lists say where it reads, published values behind the frame and its candidate", () => {
  const [plan] = plans;
  const { shards: [shard] } = layoutOf(plan!, { binding: 2 ** 27, capacity: 1024, quadBytes: 16 });
  const table = tableOf(plan!, shard!);
  const words = listLength(plan!);
  const u = plan!.layerStart[1]!;
  const record = table.subarray(u * UNIT.length, (u + 1) * UNIT.length);
  const list = record[UNIT.indexOf("list")]!;
  // The first unit of layer 1 predicts the hidden outputs of the first unit.
  const first = plan!.signal.index[plan!.signal.start[u]!]!;
  const arriving = 20 * 20 * 3 * 2;
  assertEquals(table[list], first - arriving + PUBLISHED);
  assertEquals(table[list + 1], table[list]! + 1);
  assertEquals(record[UNIT.indexOf("signals")], lengths(plan!.signal)[u]);
  assert(list + words(u) <= table.length);
});

Deno.test("weights go to their lanes and come back, and what pads them stays 0", () => {
  for (const plan of plans) {
    const layout = layoutOf(plan, { binding: 2 ** 19, capacity: 1024, quadBytes: 16 });
    const map = new WeightMap(plan, layout);
    const { tensors } = initialCheckpoint(plan);
    const [encoder, decoder] = [tensors["encoder"]!, tensors["decoder"]!]
      .map((tensor) => Float32Array.from(tensor, (_, i) => i + 1));
    const [gotEncoder, gotDecoder] = [encoder!.slice().fill(0), decoder!.slice().fill(0)];
    let nonzero = 0;
    for (const shard of layout.shards) {
      const quads = new Float32Array(4 * shard.quads);
      map.write(shard, encoder!, decoder!, quads);
      nonzero += quads.reduce((count, weight) => count + Number(weight !== 0), 0);
      map.read(shard, quads, gotEncoder, gotDecoder);
    }
    assertEquals(nonzero, encoder!.length + decoder!.length);
    assertEquals(gotEncoder, encoder);
    assertEquals(gotDecoder, decoder);
  }
});
