import { assert } from "../std_assert.ts";
import { measureBandwidth } from "./roofline.ts";

Deno.test("measureBandwidth() measures both kinds of pass, with any number of threads", async () => {
  for (const threads of [1, 2]) {
    const { read, update } = await measureBandwidth(1e6, threads);
    // Any machine moves more than 100 MB a second; none moves 100 TB.
    for (const rate of [read, update]) assert(rate > 1e8 && rate < 1e14, `${rate}`);
  }
});
