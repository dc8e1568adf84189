/** Who takes narrow weights, and what the others say. */
import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { initialCheckpoint } from "../model/initialise.ts";
import { isCodebookFormat, NARROW_FORMATS } from "../model/weight_format.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { needing } from "../tests/needs.ts";
import { BACKEND_NAMES, openDevice } from "./registry.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));

for (const name of BACKEND_NAMES.filter((name) => name !== "null")) {
  const needs = name === "webgpu" ? ["gpu"] as const : name === "native" ? ["native"] as const : [];
  await needing(
    needs,
    `${name} takes narrow weights or says that it does not`,
    async () => {
      const { device } = await openDevice(name);
      await using _device = device;
      for (const format of NARROW_FORMATS) {
        const narrow = { ...plan, format };
        const { ok, reasons } = device.accepts(narrow);
        const has = name === "reference" || (name === "wasm" && !isCodebookFormat(format));
        assertEquals(ok, has, reasons[0] ?? format);
        if (has) assert(device.info.formats.includes(format), format);
        if (ok) continue;
        assert(reasons[0]!.includes(`weights are ${format}`), reasons[0]!);
        await assertRejects(() => device.load(narrow, initialCheckpoint(narrow)), Error, format);
      }
    },
  );
}
