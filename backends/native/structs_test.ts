/** The records as TypeScript lays them out against the header as the C compiler does. */
import { compileC } from "../../tests/compile_c.ts";
import { needing } from "../../tests/needs.ts";
import { Folder } from "../../tests/program.ts";
import { assertEquals } from "../../std_assert.ts";
import { StructRecord, STRUCTS } from "./structs.ts";

/** What C calls the kinds of fields. */
const TYPES: Readonly<Record<string, string>> = {
  u32: "uint32_t",
  f32: "float",
  u64: "uint64_t",
  f64: "double",
};

await needing(["cc"], "every record of the header stands as C lays it out", async () => {
  await using folder = new Folder();
  const lines = ['#include "saccade_backend.h"', "#include <stddef.h>"];
  for (const [name, { bytes, at, kinds }] of Object.entries(STRUCTS)) {
    const type = `saccade_${name}`;
    const claim = (what: string) => lines.push(`_Static_assert(${what}, "${type}");`);
    claim(`sizeof(${type}) == ${bytes}`);
    for (const [field, offset] of Object.entries(at)) {
      claim(`offsetof(${type}, ${field}) == ${offset}`);
      const kind = kinds[field as keyof typeof kinds] as string;
      const like = TYPES[kind];
      if (like !== undefined) claim(`_Generic(((${type} *)0)->${field}, ${like}: 1, default: 0)`);
      else if (kind.startsWith("text")) {
        claim(`sizeof ((${type} *)0)->${field} == ${kind.slice("text".length)}`);
      }
    }
  }
  await compileC(lines.join("\n") + "\n", folder.file("structs.so"));
});

await needing(["cc"], "the header compiles as C++ and as strict C", async () => {
  await using folder = new Folder();
  const source = '#include "saccade_backend.h"\nint unused;\n';
  for (const flags of [["-xc", "-std=c99", "-pedantic"], ["-xc++", "-pedantic"]]) {
    await compileC(source, folder.file("header.o"), { flags: ["-c", ...flags] });
  }
});

Deno.test("a record holds what was written into it", () => {
  const step = new StructRecord(STRUCTS.step);
  step.set("number", 2 ** 40 + 3);
  step.set("lateral", 0.5);
  assertEquals(step.get("size"), STRUCTS.step.bytes);
  assertEquals([step.get("number"), step.get("lateral"), step.get("learn")], [2 ** 40 + 3, 0.5, 0]);
  const rates = Float32Array.of(0.25);
  step.point("rates", rates);
  const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(rates));
  assertEquals(BigInt(step.get("rates")), address);
  step.point("rates", new Float32Array(0));
  assertEquals(step.get("rates"), 0);
  const info = new StructRecord(STRUCTS.info);
  info.bytes.set(new TextEncoder().encode("näm"), STRUCTS.info.at.name);
  assertEquals([info.text("name"), info.text("id")], ["näm", ""]);
});
