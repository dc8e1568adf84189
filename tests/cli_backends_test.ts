/** Backends from elsewhere on the command line: what runs, what is refused and how, what auto takes, what `backends` tells. */
import { assert, assertAlmostEquals, assertEquals } from "../std_assert.ts";
import { assertRefused, Folder, recordsIn, saccade, succeed } from "./program.ts";

const TINY = ["run", "--spec", "tiny", "--steps", "4"];
const EXAMPLE = "./examples/my_backend/mod.ts";
const REFERENCE = new URL("../backends/reference/backend.ts", import.meta.url).href;

/** A module that changes the reference. */
function changed(members: string): string {
  return `import { backend } from "${REFERENCE}"; export default { ...backend, ${members} };`;
}

Deno.test("run --backend takes the example: its errors are those of the reference", async () => {
  const run = async (backend: string) =>
    recordsIn(
      await succeed("run", "--spec", "tiny", "--steps", "40", "--json", "--backend", backend),
    ).at(-1)!;
  const [mine, reference] = [await run(EXAMPLE), await run("reference:f32")];
  assertEquals([mine.backend, reference.backend], ["mine:0", "reference:f32"]);
  for (const [layer, error] of mine.mse.layers.entries()) {
    assertAlmostEquals(error!, reference.mse.layers[layer]!, 1e-5);
  }
  assertEquals(mine.perStep.macs, reference.perStep.macs);
});

Deno.test("run --backend takes a path from where it is called, file:, and a device behind #", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(
    folder.file("good.ts"),
    `export { backend as default } from "${REFERENCE}";`,
  );
  const run = async (backend: string) => {
    const { code, stdout, stderr } = await saccade([...TINY, "--json", "--backend", backend], {
      cwd: folder.path,
    });
    assertEquals([code, stderr], [0, ""], backend);
    return recordsIn(stdout).at(-1)!.backend;
  };
  assertEquals(await run("good.ts"), "reference:f32");
  assertEquals(await run(`./good.ts#f64`), "reference:f64");
  assertEquals(await run(`file://${folder.path}/good.ts#f64`), "reference:f64");
});

/** What can be wrong with a plugin, and what is said of it. */
const WRONG: Record<string, [source: string, says: string]> = {
  old: [changed("apiVersion: 99"), "written for version 99 of the contract, this is version 1"],
  named: [`export { backend } from "${REFERENCE}";`, `has no default export`],
  function: [`export default () => 1;`, "is a function, not a backend"],
  lacking: [changed("probe: undefined"), "lacks probe"],
  throws: [`throw new Error("no such accelerator\\nsecond line");`, "no such accelerator"],
  broken: [`export default {;`, `Cannot import backend "./broken.ts"`],
  absent: ["", `Module not found "file://`],
  needy: [`Deno.env.get("HOME"); export default {};`, "it needs a permission: Requires env access"],
  needs_to_probe: [
    changed(`async probe() { return [Deno.readTextFileSync("/etc/hostname")] }`),
    "cannot look for its devices: it needs a permission: Requires read access",
  ],
  needs_to_open: [
    changed(`open() { Deno.dlopen("/x.so", {}) }`),
    `cannot open device "f32": it needs a permission: Requires ffi access`,
  ],
  blind: [changed(`probe() { throw new Error("no bus") }`), "cannot look for its devices: no bus"],
  nowhere: [changed(`probe: async () => []`), "finds no device on this machine"],
  vague: [
    changed(`probe: async () => [{ ...(await backend.probe())[0], reportCapacity: 8 }]`),
    `describes device 0 wrongly: "reportCapacity" is 8`,
  ],
  hollow: [changed(`open: async () => ({ info: {} })`), "lacks lost, accepts, load"],
  sessionless: [
    changed(`open: async (id) => {
      const { info, lost } = await backend.open(id);
      const accepts = () => ({ ok: true, reasons: [] });
      return { info, lost, accepts, load: async () => ({}), async [Symbol.asyncDispose]() {} };
    }`),
    "lacks memory, step, report, read, save",
  ],
};

Deno.test("what is no backend is refused in a sentence, with exit code 5", async () => {
  await using folder = new Folder();
  const names = Object.keys(WRONG);
  for (const name of names) {
    const [source] = WRONG[name]!;
    if (source !== "") await Deno.writeTextFile(folder.file(`${name}.ts`), source);
  }
  const root = new URL("..", import.meta.url).pathname;
  const permissions = ["--no-prompt", `--allow-read=${root},${folder.path}`];
  // Two at a time: there may be no more cores.
  for (let i = 0; i < names.length; i += 2) {
    await Promise.all(
      names.slice(i, i + 2).map(async (name) => {
        const args = [...TINY, "--quiet", "--backend", `./${name}.ts`];
        assertRefused(await saccade(args, { cwd: folder.path, permissions }), 5, WRONG[name]![1]);
      }),
    );
  }
});

Deno.test("run --backend auto says on one line which it took and why, and records name it", async () => {
  const { code, stdout, stderr } = await saccade([...TINY, "--backend", "auto", "--json"]);
  assertEquals(code, 0);
  const [, name] = stderr.match(/^auto takes (\S+) \(.+\), the first that takes this model.*\n$/) ??
    [];
  assert(name !== undefined, stderr);
  assertEquals(recordsIn(stdout).map(({ backend }) => backend), [name, name]);
  assertEquals(await succeed(...TINY, "--backend", "auto", "--quiet"), "");
});

Deno.test("backends lists devices, formats and limits, and does not stop at one that breaks", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(folder.file("blind.ts"), WRONG["blind"]![0]);
  await Deno.writeTextFile(
    folder.file("limited.ts"),
    changed(
      `probe: async () => [{ ...(await backend.probe())[0], limits: { bindingBytes: 4096 } }]`,
    ),
  );
  const args = ["backends", folder.file("blind.ts"), folder.file("limited.ts")];
  const { code, stdout, stderr } = await saccade(args);
  assertEquals(code, 5);
  assert(stderr.endsWith(`cannot look for its devices: no bus\n`), stderr);
  for (
    const part of [
      "  wasm:single",
      "cpu, f32, deterministic, 1 step in flight, 1024 reports\n",
      "cannot look for its devices: no bus\n",
      "limited.ts#f32",
      "1024 reports, bindingBytes 4096\n",
    ]
  ) {
    assert(stdout.includes(part), `no "${part}" in ${stdout}`);
  }
});

Deno.test("backends --spec, and --resume, tell which device takes the model and why others do not", async () => {
  await using folder = new Folder();
  await Deno.writeTextFile(
    folder.file("narrow.ts"),
    `import { fromPasses } from "${new URL("../mod.ts", import.meta.url)}";
    export default fromPasses({
      name: "narrow",
      description: "takes few units",
      refuses: ({ units }) => units > 50 ? [\`\${units} units do not fit, 50 do\`] : [],
      load() { throw new Error("not asked"); },
    });`,
  );
  const file = folder.file("model.safetensors");
  await succeed(...TINY, "--quiet", "--save", file);
  const ask = async (...args: string[]) => {
    const found = JSON.parse(await succeed("backends", ...args, "--json"));
    const of = (name: string) =>
      found.find((survey: { name: string }) => survey.name === name).devices[0].accepts;
    return [of("wasm"), of(folder.file("narrow.ts"))];
  };
  const yes = { ok: true, reasons: [] };
  assertEquals(await ask("--resume", file, folder.file("narrow.ts")), [yes, yes]);
  const no = { ok: false, reasons: ["265 units do not fit, 50 do"] };
  assertEquals(await ask("--spec", "small", folder.file("narrow.ts")), [yes, no]);
  const text = await succeed("backends", "--spec", "small", folder.file("narrow.ts"));
  assert(text.includes("does not take this model: 265 units do not fit, 50 do\n"), text);
  assertRefused(
    await saccade(["backends", "--spec", "tiny", "--resume", file]),
    2,
    "--spec does not go with --resume",
  );
});
