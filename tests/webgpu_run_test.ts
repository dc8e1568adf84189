/** Whole runs on WebGPU: as good as on wasm, and not ended by a lost device. */
import { builtinSpec } from "../model/builtin.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import type { Report } from "../runtime/report.ts";
import type { Lost } from "../runtime/running.ts";
import { run } from "../runtime/runtime.ts";
import { openScene } from "../sources/synthetic.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { destroy, openings } from "./fragile_webgpu.ts";
import { needing, VIDEO } from "./needs.ts";
import { Folder, recordsIn, succeed } from "./program.ts";

const BACKEND = new URL("./fragile_webgpu.ts", import.meta.url).href;

await needing(
  ["gpu"],
  "a run goes on when its GPU is destroyed, from the last checkpoint",
  async () => {
    const spec = builtinSpec("tiny", { fields: { motion: 0 } });
    const save = await Deno.makeTempFile();
    try {
      const losses: Lost[] = [];
      const reports: Report[] = [];
      const before = openings();
      await using source = openScene({ size: { width: 20, height: 20 } });
      const steps = 60;
      const records = run({
        spec,
        source,
        backend: BACKEND,
        meter: null,
        steps,
        window: 10,
        save,
        checkpointEvery: { steps: 10 },
        lost: (record) => losses.push(record),
      });
      for await (const record of records) {
        reports.push(record);
        if (losses.length === 0 && record.step === 40) destroy();
      }
      assertEquals([losses.length, openings() - before], [1, 2]);
      const [{ step, lostSteps }] = losses as [Lost];
      assert(step >= 10 && step <= 40 && lostSteps < steps, `from ${step}, ${lostSteps} lost`);
      assertEquals(reports.at(-1)!.step, steps);
      assert(reports.every(({ mse }) => Number.isFinite(mse.frame)));
      assertEquals((await loadCheckpoint(save)).checkpoint.step, steps);
    } finally {
      await Deno.remove(save);
    }
  },
);

await needing(
  ["gpu", "ffmpeg", "clips"],
  "saccade run learns from a clip as on wasm, and checkpoints go there and back",
  async () => {
    await using folder = new Folder();
    const clip = `${VIDEO}bottle-detection-160x120-30fps.mp4`;
    const file = folder.file("model.safetensors");
    const curve = async (backend: string, model: readonly string[], steps: number) => {
      const run = ["--backend", backend, "--video", clip, "--steps", `${steps}`, "--window", "5"];
      const stdout = await succeed("run", ...run, "--json", ...model);
      return recordsIn(stdout).map(({ mse }) => mse.layers);
    };
    const tiny = ["--spec", "tiny"];
    const want = await curve("wasm", [...tiny, "--save", file], 30);
    const same = (got: readonly (readonly (number | null)[])[], want: typeof got) => {
      assertEquals(got.length, want.length);
      for (const [n, layers] of want.entries()) {
        for (const [layer, mse] of layers.entries()) {
          const off = Math.abs(got[n]![layer]! - mse!);
          assert(off <= 5e-5 * Math.max(1, mse!), `window ${n}, layer ${layer} is ${off} off`);
        }
      }
    };
    const there = folder.file("gpu.safetensors");
    same(await curve("webgpu", [...tiny, "--save", there], 30), want);
    // One goes on with what the other has learned.
    const rest = await curve("wasm", ["--resume", file], 20);
    same(await curve("webgpu:f32", ["--resume", there], 20), rest);
    same(
      await curve("wasm", ["--resume", there], 20),
      await curve("webgpu", ["--resume", file], 20),
    );
  },
);
