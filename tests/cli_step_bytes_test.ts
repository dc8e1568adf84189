/** What `saccade inspect` says that a step reads and writes is what `saccade run` reports. */
import { builtinSpec } from "../model/builtin.ts";
import { assert } from "../std_assert.ts";
import { ALL_LEARN } from "./agreement.ts";
import { Folder, recordsIn, succeed } from "./program.ts";

/** Far from the start: momentum that was loaded counts no more, and whole rounds of deferred writes. */
const FIRST = 32;
const STEPS = 64;

const COMPRESSED: readonly (readonly string[])[] = [
  ["--format", "f32", "--prune", "0.75", "--blocks", "1x8"],
  ["--format", "i8"],
  ["--format", "i8", "--prune", "0.9", "--blocks", "1x8"],
  ["--format", "i8", "--prune", "0.9", "--blocks", "4x1"],
  ["--format", "codebook4"],
  ["--format", "codebook4", "--prune", "0.9", "--blocks", "1x8"],
];

for (const rule of ["saccade", "2016"] as const) {
  const fields = { motion: 0, ...(rule === "2016" ? ALL_LEARN : {}) };
  const spec = JSON.stringify(builtinSpec("tiny", { rule, fields }));
  for (const compressed of COMPRESSED) {
    Deno.test(`inspect knows the bytes of a step: rule ${rule}, ${compressed.join(" ")}`, async () => {
      await using folder = new Folder();
      const [model, file] = [folder.file("model.json"), folder.file("a.safetensors")];
      await Deno.writeTextFile(model, spec);
      const begun = ["--spec", model, "--steps", "8", "--quiet", "--save", file];
      await succeed("run", ...begun);
      const out = folder.file("b.safetensors");
      await succeed("compress", file, ...compressed, "-o", out);
      await agree(out, []);
      await agree(out, ["--no-learn"]);
    });
  }
  for (const format of ["f32", "i8", "bf16", "codebook2"]) {
    Deno.test(`inspect knows the bytes of a step: rule ${rule}, ${format}, deferred`, async () => {
      await using folder = new Folder();
      const [model, file] = [folder.file("model.json"), folder.file("a.safetensors")];
      await Deno.writeTextFile(model, spec);
      const flags = ["--format", format, "--defer", "8", "--steps", String(FIRST), "--quiet"];
      await succeed("run", "--spec", model, ...flags, "--save", file);
      await agree(file, []);
    });
  }
}

/** Runs a model, and compares. */
async function agree(file: string, flags: readonly string[]): Promise<void> {
  const { learningStep, predictingStep } = JSON.parse(await succeed("inspect", file, "--json"));
  const want = flags.length === 0 ? learningStep : predictingStep;
  const run = ["run", "--resume", file, "--steps", String(STEPS), "--json", "--threads", "1"];
  const { perStep } = recordsIn(await succeed(...run, ...flags)).at(-1)!;
  for (const bytes of ["bytesRead", "bytesWritten"] as const) {
    const [got, said] = [perStep[bytes], want[bytes]];
    const near = got === said || Math.abs(said / got - 1) < 0.01;
    assert(near, `${bytes} ${flags}: ${got} in the record, ${said} of inspect`);
  }
}
