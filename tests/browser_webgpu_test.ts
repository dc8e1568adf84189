/** The same WGSL in Chromium, on its GPU in software. */
import { assert, assertEquals } from "../std_assert.ts";
import { browse, bundle } from "./browser.ts";
import type { Found } from "./browser_webgpu.ts";
import { needing } from "./needs.ts";

await needing(["chromium"], "in Chromium WebGPU agrees with the reference", async () => {
  const { adapter, models, error } = await browse<Found>(
    await bundle("browser_webgpu.ts"),
  );
  assertEquals(error, undefined);
  assert(/swiftshader/i.test(adapter), adapter);
  assertEquals(Object.keys(models).length, 4);
  for (const [name, { worst, steps }] of Object.entries(models)) {
    // Small m / s amplifies rounding (learning-rule, Tolerances).
    const limit = name === "saccade" ? 5e-5 : name.startsWith("f16") ? 0 : 1e-5;
    assert(worst <= limit, `${name}: after ${steps} steps ${worst} is more than ${limit}`);
  }
});
