import { assert, assertEquals } from "../std_assert.ts";
import { openMeter, surveyMeters } from "./open.ts";

/** A folder of counters that can be read, or an empty one. */
class Tree implements Disposable {
  readonly root: string = Deno.makeTempDirSync();
  constructor(counters: boolean) {
    if (!counters) return;
    Deno.mkdirSync(`${this.root}/intel-rapl:0`);
    const files = { name: "package-0", max_energy_range_uj: "1000", energy_uj: "1" };
    for (const [file, text] of Object.entries(files)) {
      Deno.writeTextFileSync(`${this.root}/intel-rapl:0/${file}`, `${text}\n`);
    }
  }
  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

Deno.test("openMeter() measures where it can", async () => {
  using tree = new Tree(true);
  assertEquals((await openMeter({ rapl: tree })).method, "measured");
});

Deno.test("openMeter() models where there is no sensor", async () => {
  using tree = new Tree(false);
  assertEquals((await openMeter({ rapl: tree })).method, "modelled");
});

Deno.test("surveyMeters() says what every meter covers, or why it is silent", async () => {
  using none = new Tree(false);
  using some = new Tree(true);
  const without = await surveyMeters({ rapl: none });
  assertEquals(without.map(({ name, available }) => [name, available]), [
    ["rapl", false],
    ["modelled", true],
  ]);
  assert(without[0]!.detail.startsWith("There is no RAPL counter"));
  const [rapl] = await surveyMeters({ rapl: some });
  assert(rapl!.available && rapl!.detail.startsWith("measured by RAPL package-0"), rapl!.detail);
});
