/** `saccade eval` as a person meets it. */
import { assert, assertEquals } from "../std_assert.ts";
import { needing, VIDEO } from "./needs.ts";
import { assertRefused, assertSameFile, Folder, saccade, succeed } from "./program.ts";

const CLIP = `${VIDEO}car-detection-96x96-12.5fps.y4m.gz`;

/** A small model that has seen a bit of the scene. */
async function model(folder: Folder): Promise<string> {
  const file = folder.file("model.safetensors");
  await succeed("run", "--spec", "tiny", "--steps", "60", "--save", file, "--quiet");
  return file;
}

Deno.test("eval scores every layer, learning and frozen, and leaves the model as it is", async () => {
  await using folder = new Folder();
  const file = await model(folder);
  await Deno.copyFile(file, folder.file("copy"));
  const record = JSON.parse(await succeed("eval", file, "--steps", "80", "--json"));
  assertEquals([record.source, record.steps, record.layers.length], ["scene", 80, 4]);
  for (const { prequential, frozen } of record.layers) {
    for (const { mse, copyLast, skill } of [prequential, frozen]) {
      assert(Math.abs(skill - (1 - mse / copyLast)) < 1e-9 && mse > 0);
    }
  }
  const [ground] = record.layers;
  assertEquals(ground.prequential.copyLast, ground.frozen.copyLast);
  assert(ground.prequential.mse !== ground.frozen.mse);
  const table = await succeed("eval", file, "--steps", "40");
  assertEquals(table.match(/^\d +\d\.\d\de-\d/gm)?.length, 4);
  await assertSameFile(file, folder.file("copy"));
});

await needing(["clips"], "eval takes a clip to its end, and plots it", async () => {
  await using folder = new Folder();
  const plot = folder.file("errors.svg");
  const out = await succeed("eval", await model(folder), "--video", CLIP, "--plot", plot);
  assert(out.includes("plotted to"), out);
  const svg = await Deno.readTextFile(plot);
  assert(svg.startsWith("<svg") && svg.trimEnd().endsWith("</svg>"));
  assertEquals(svg.match(/<path d="M[\d. ML]+"/g)?.length, 3);
});

Deno.test("eval refuses what it cannot do, in one sentence", async () => {
  await using folder = new Folder();
  const file = await model(folder);
  assertRefused(await saccade(["eval"]), 2, "eval takes one model");
  assertRefused(await saccade(["eval", file, "--steps", "0"]), 2, "1 or more");
  assertRefused(await saccade(["eval", folder.file("none")]), 3, "there is no such");
  assertRefused(await saccade(["eval", file, "--video", folder.file("no.y4m")]), 3, "no.y4m");
  const plot = ["--plot", folder.file("no/such.svg"), "--steps", "5"];
  assertRefused(await saccade(["eval", file, ...plot]), 3, "there is no such folder");
});
