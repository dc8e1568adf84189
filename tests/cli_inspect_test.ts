/** The commands that look and show: inspect, backends, doctor, and the demo, in a terminal and without one. */
import { BACKEND_NAMES } from "../backends/registry.ts";
import { assert, assertEquals } from "../std_assert.ts";
import { loadCheckpoint } from "../runtime/checkpoint_store.ts";
import { golden } from "./golden.ts";
import { needing } from "./needs.ts";
import { assertRefused, Folder, Program, saccade, succeed } from "./program.ts";

const inspect = async (...args: string[]) =>
  JSON.parse(await succeed("inspect", ...args, "--json"));

interface LayerStats {
  grid: number;
  units: number;
  nin: [number, number];
  nctxblocks: [number, number];
  ninp_total: [number, number, number];
  nout: [number];
  weights: number;
}

Deno.test("inspect counts the models of the 2016 release as they were, from their JSON, where all values are strings", async () => {
  await using folder = new Folder();
  const { models } = golden("zoo_stats");
  for (const [name, { options, stats }] of Object.entries<typeof models[string]>(models)) {
    const file = folder.file("model.json");
    // The bare defaults have version 0.0, of which the release made no model either.
    const version = { version_major: "1", version_minor: "0" };
    await Deno.writeTextFile(file, JSON.stringify({ ...options, ...version }));
    const found = await inspect(file);
    assertEquals(found.rule, "2016", name);
    assertEquals(
      [found.units, found.weights, found.readoutWeights, found.frame.width],
      [stats.units, stats.primary, stats.readout, stats.img],
      name,
    );
    assertEquals(found.layers.length, stats.layers.length, name);
    for (const [at, expected] of (stats.layers as LayerStats[]).entries()) {
      const { side, units, contexts, inputs, outputs, weights } = found.layers[at];
      assertEquals([side, units, outputs, weights], [
        ...[expected.grid, expected.units, expected.nout[0], expected.weights],
      ], `${name}, layer ${at}`);
      assertEquals([contexts.least, contexts.most], expected.nctxblocks);
      assertEquals([inputs.least, inputs.most], [expected.ninp_total[0], expected.ninp_total[2]]);
    }
  }
});

Deno.test("inspect --rule 2016 gives the built-in models the flags and the numbers of the release", async () => {
  const { models } = golden("zoo_stats");
  const numbers = Object.entries<typeof models[string]>(models).map(([name, { stats }]) =>
    [name, stats.units, stats.primary] as const
  );
  const expected = (start: string, flags = "") =>
    numbers.find(([name]) => name.startsWith(start) && name.includes(flags))!.slice(1);
  for (
    const [name, stats] of [
      ["classic", expected("classic_medium")],
      ["very_deep", expected("very_deep")],
      ["small", expected("blog small", "very_deep flags")],
      ["large", expected("blog large", "very_deep flags")],
    ] as const
  ) {
    const { units, weights } = await inspect(name, "--rule", "2016");
    assertEquals([units, weights], [...stats], name);
  }
});

Deno.test("inspect lists the options that are set and have no effect", async () => {
  const { withoutEffect } = await inspect("classic", "--rule", "2016");
  assertEquals(withoutEffect, ["polynomial", "backpropagate_readout_error"]);
  assertEquals((await inspect("small")).withoutEffect, []);
  const table = await succeed("inspect", "classic", "--rule", "2016");
  assert(/^set, without effect +polynomial, backpropagate_readout_error$/m.test(table), table);
});

Deno.test("inspect shows a table, a row a layer", async () => {
  const table = await succeed("inspect", "tiny");
  assert(/^units +30$/m.test(table) && /^rule +saccade/m.test(table), table);
  const rows = table.trimEnd().split("\n").slice(-5);
  assert(/^layer +grid +signal +contexts +inputs +hidden +outputs +weights$/.test(rows[0]!), table);
  assertEquals(rows.slice(1).map((row) => row.slice(0, 18).replace(/ +/g, " ").split(" ")[0]), [
    ...["0", "1", "2", "3"],
  ]);
});

Deno.test("inspect reads a checkpoint, which has its own model", async () => {
  await using folder = new Folder();
  const file = folder.file("a.safetensors");
  const run = ["run", "--quiet", "--spec", "tiny", "--threads", "1", "--steps", "6"];
  await succeed(...run, "--save", file);
  const [stored, built] = await Promise.all([inspect(file), inspect("tiny")]);
  const { learned } = (await loadCheckpoint(file)).checkpoint;
  assertEquals(stored.checkpoint, { step: 6, learned, sourceFrames: 6 });
  assertEquals({ ...stored, checkpoint: null, stored: null }, built);
  assertEquals(stored.stored.encoder.weights + stored.stored.decoder.weights, built.weights);
  assert(/^checkpoint +6 steps, /m.test(await succeed("inspect", file)));
  assertRefused(await saccade(["inspect", file, "--motion", "0"]), 2, "does not go with a");
});

Deno.test("inspect shows the format, the density and the weights of a compressed checkpoint", async () => {
  await using folder = new Folder();
  const [file, out] = [folder.file("a.safetensors"), folder.file("b.safetensors")];
  await succeed("run", "--quiet", "--spec", "tiny", "--steps", "6", "--save", file);
  await succeed(
    "compress",
    file,
    "--format",
    "i8",
    "--prune",
    "0.75",
    "--blocks",
    "1x8",
    "--scope",
    "matrix",
    "-o",
    out,
  );
  const [before, after] = await Promise.all([inspect(file), inspect(out)]);
  assertEquals([after.format, after.weights], ["i8", before.weights]);
  const near = (got: number, want: number) => assert(Math.abs(got / want - 1) < 0.05, `${got}`);
  near(after.density, 0.25);
  near(after.bytes.weights, before.bytes.weights / 8);
  near(after.learningStep.bytesWritten, before.learningStep.bytesWritten / 8);
  // Of eight weights, which they are: four bytes more than their sixteen.
  near(after.predictingStep.bytesRead, before.predictingStep.bytesRead / 8 * 20 / 16);
  near(after.learningStep.flops, before.learningStep.flops / 4);
  assert(after.planHash !== before.planHash);
  const text = await succeed("inspect", out);
  assert(/^kept +2[45]\.\d % of the weights$/m.test(text), text);
  assert(/^decoders +-.*\|[ ▁▂▃▄▅▆▇█]{24}\|.* steps of 2\^-\d+ to 2\^-\d+$/m.test(text), text);
});

Deno.test("a specification that makes no model is refused with the field and the reason", async () => {
  await using folder = new Folder();
  const file = folder.file("model.json");
  const cases: [string, string][] = [
    [`{"layer_shape": [2, 1]}`, `did you mean "layer_shapes"?`],
    [`{"layer_shapes": "2,none"}`, `"layer_shapes"`],
    [`{"unit_type": "complex"}`, `"unit_type"`],
    [`{"ex_module": "PVM_models.PVM_unit_v2_residual"}`, "residual"],
    [`{"use_global_backprop": "1"}`, "gradients between units"],
    [`{"a": `, "is not JSON"],
    [`[1, 2]`, "JSON object"],
    [`null`, "JSON object"],
  ];
  for (const [text, says] of cases) {
    await Deno.writeTextFile(file, text);
    assertRefused(await saccade(["inspect", file]), 2, says);
  }
});

Deno.test("backends --json tells what each has and why some cannot be used", async () => {
  const found = JSON.parse(await succeed("backends", "--json"));
  assertEquals(found.map(({ name }: { name: string }) => name), [...BACKEND_NAMES]);
  for (const { devices, reasons } of found) {
    assert(devices.length + reasons.length > 0 && Array.isArray(reasons));
    for (const { id, kind, description, formats, deterministic } of devices) {
      assertEquals([typeof id, typeof kind, typeof deterministic], ["string", "string", "boolean"]);
      assert(description !== "" && formats.length > 0);
    }
  }
});

Deno.test("doctor --json names what is missing and the fix, with and without permissions", async () => {
  const all = JSON.parse(await succeed("doctor", "--json"));
  const names = all.map(({ name }: { name: string }) => name);
  for (const name of ["deno", "permission read", "cores", "ffmpeg", "cameras"]) {
    assert(names.includes(name), `${name} is not among ${names}`);
  }
  const bare = await saccade(["doctor", "--json"], { permissions: ["--allow-read"] });
  assertEquals([bare.code, bare.stderr], [1, ""]);
  for (const { name, state, detail, fix } of [...all, ...JSON.parse(bare.stdout)]) {
    assert(["ok", "limited", "missing"].includes(state), `${name}: ${state}`);
    assert(detail !== "" && (fix !== null) === (state !== "ok"), `${name} has no fix`);
  }
});

/** What `deno task demo` may do. */
const DEMO = [
  ...["--allow-read", "--allow-write", "--allow-run=cat"],
  "--allow-env=NO_COLOR,TERM,COLORTERM",
];

Deno.test("demo prints plain lines where there is no terminal, ends by itself, saves what goes on", async () => {
  await using folder = new Folder();
  const options = { cwd: folder.path, permissions: DEMO };
  const { code, stdout, stderr } = await saccade(["demo", "--seconds", "2"], options);
  assertEquals([code, stderr], [0, ""]);
  assert(/prediction error/.test(stdout) && /saved to saccade-demo.safetensors\n$/.test(stdout));
  assert(!stdout.includes("\x1b"), "escape codes without a terminal");
  assertEquals(folder.names(), ["saccade-demo.safetensors"]);
  const file = folder.file("saccade-demo.safetensors");
  const { step } = (await loadCheckpoint(file)).checkpoint;
  await succeed("run", "--quiet", "--resume", file, "--steps", "2");
  assertEquals((await loadCheckpoint(file)).checkpoint.step, step + 2);
});

/** Runs the demo in a terminal; `key` is typed once pictures come. */
async function inTerminal(folder: Folder, seconds: number, key?: string) {
  const main = new URL("../cli/main.ts", import.meta.url).pathname;
  const line = `"${Deno.execPath()}" run ${DEMO.join(" ")} "${main}" demo --seconds ${seconds}`;
  const child = new Deno.Command("script", {
    args: ["-qec", `stty cols 100 rows 40; ${line}`, "/dev/null"],
    cwd: folder.path,
    env: { TERM: "xterm", COLORTERM: "truecolor", NO_COLOR: "" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keyboard = child.stdin.getWriter();
  let screen = "";
  let typed = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    screen += text;
    if (key !== undefined && !typed && screen.includes("▀")) {
      typed = true;
      await keyboard.write(new TextEncoder().encode(key));
    }
  }
  await keyboard.close().catch(() => {});
  return { screen, code: (await child.status).code };
}

await needing(
  ["script"],
  "demo in a terminal draws pictures in place, and the cursor comes back, also after Ctrl-C",
  async () => {
    const ends = [
      { seconds: 2, code: 0 },
      { seconds: 60, key: "\x03", code: 130 },
    ];
    for (const { seconds, key, code } of ends) {
      await using folder = new Folder();
      const end = await inTerminal(folder, seconds, key);
      assertEquals(end.code, code, end.screen);
      const { screen } = end;
      assert(screen.includes("\x1b[38;2;"), "no colour");
      const [hidden, shown] = [screen.indexOf("\x1b[?25l"), screen.lastIndexOf("\x1b[?25h")];
      assert(hidden >= 0 && shown > screen.lastIndexOf("▀"), "the cursor stays hidden");
      assert(screen.indexOf("prediction error", shown) > shown, "no table at the end");
      assertEquals(folder.names(), ["saccade-demo.safetensors"]);
    }
  },
);

Deno.test("an interrupted demo saves what it learned", async () => {
  await using folder = new Folder();
  await using program = new Program(["demo"], { cwd: folder.path, permissions: DEMO });
  await program.until((lines) => lines.length >= 1);
  program.kill("SIGINT");
  const { code, stdout } = await program.ended;
  assertEquals(code, 130);
  assert(stdout.includes("saved to saccade-demo.safetensors"), stdout);
  assert((await loadCheckpoint(folder.file("saccade-demo.safetensors"))).checkpoint.step > 0);
});
