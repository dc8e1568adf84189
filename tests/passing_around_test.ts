/** One model goes from backend to backend and learns on every one of them, as if it had never moved. */
import { assert, assertEquals } from "../std_assert.ts";
import { needing, VIDEO } from "./needs.ts";
import { Folder, recordsIn, succeed } from "./program.ts";

const CLIP = `${VIDEO}bottle-detection-160x120-30fps.mp4`;
const STEPS = 20;

/** The error curve of a run, by window and layer. */
async function curve(...args: string[]): Promise<readonly (readonly (number | null)[])[]> {
  const common = ["run", "--video", CLIP, "--steps", `${STEPS}`, "--window", "5", "--json"];
  return recordsIn(await succeed(...common, ...args))
    .filter(({ kind }) => kind === "window")
    .map(({ mse }) => mse.layers);
}

for (const rule of ["saccade", "2016"]) {
  await needing(
    ["ffmpeg", "clips", "gpu", "native"],
    `a checkpoint passed from wasm to webgpu, onnx, native and wasm goes on learning: rule ${rule}`,
    async () => {
      await using folder = new Folder();
      const [moved, stayed] = [folder.file("moved"), folder.file("stayed")];
      const model = ["--spec", "tiny", "--rule", rule];
      for (const [turn, backend] of ["wasm", "webgpu", "onnx", "native", "wasm"].entries()) {
        const from = (file: string) =>
          turn === 0 ? [...model, "--save", file] : ["--resume", file, "--save", file];
        const got = await curve("--backend", backend, ...from(moved));
        const want = await curve("--backend", "wasm:strict", ...from(stayed));
        assertEquals([got.length, want.length], [STEPS / 5, STEPS / 5]);
        for (const [n, layers] of want.entries()) {
          for (const [layer, mse] of layers.entries()) {
            const off = Math.abs(got[n]![layer]! - mse!) / Math.max(1, mse!);
            assert(off <= 5e-5, `turn ${turn}, ${backend}: layer ${layer} is ${off} off`);
          }
        }
      }
    },
  );
}
