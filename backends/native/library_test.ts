/** Libraries that are refused, each really compiled, and what is said of them. */
import { compileC, type CompileOptions, DOUBLE, EXAMPLE } from "../../tests/compile_c.ts";
import { needing } from "../../tests/needs.ts";
import { Folder } from "../../tests/program.ts";
import { assert, assertEquals, assertRejects } from "../../std_assert.ts";
import { BackendError } from "../errors.ts";
import { nativeBackend } from "./backend.ts";
import { Library } from "./library.ts";

/** Refuses a library, in one sentence that says all of these. */
async function refuses(path: string, ...says: string[]): Promise<void> {
  const { message } = await assertRejects(() => nativeBackend(path), BackendError);
  assert(!message.includes("\n"), message);
  for (const part of [path, ...says]) assert(message.includes(part), `"${part}" in: ${message}`);
}

function refused(
  what: string,
  source: string,
  options: CompileOptions,
  ...says: string[]
): Promise<void> {
  return needing(["cc"], `a library ${what} is refused`, async () => {
    await using folder = new Folder();
    await refuses(await compileC(source, folder.file("lib.so"), options), ...says);
  });
}

await refused(
  "of another version",
  DOUBLE,
  { defines: { VERSION: 2 } },
  "was built for version 2 of saccade_backend.h, this is version 1: build it again",
);
await refused(
  "without a function of its depth",
  DOUBLE,
  { defines: { NO_UNLOAD: 1 } },
  "lacks saccade_unload (see saccade_backend.h)",
);
await refused(
  "of passes that lacks one",
  EXAMPLE,
  { flags: ["-shared", "-Dsaccade_decode=decode_of_another_name"] },
  "lacks saccade_decode (see",
);
await refused(
  "that has nothing of ours",
  "int nothing(void) { return 0; }\n",
  {},
  "is no backend: it exports no saccade_abi_version",
);
await refused(
  "of neither depth",
  '#include "saccade_backend.h"\nuint32_t saccade_abi_version(void) { return SACCADE_ABI_VERSION; }\n',
  {},
  "exports neither saccade_load",
);
await refused(
  "that opens and does not close",
  `#include "${EXAMPLE}"
saccade_status saccade_open(uint32_t d, uint32_t t, saccade_device **o) {
  return (void)d, (void)t, *o = 0, SACCADE_OK;
}
`,
  {},
  "lacks saccade_close",
);
await refused(
  "that keeps too few reports",
  DOUBLE,
  { defines: { CAPACITY: 100 } },
  "keeps 100 reports, a backend must keep 1024",
);
await refused(
  "without a proper name",
  DOUBLE,
  { defines: { NAME: "Two Words" } },
  'describes device 0 wrongly: name "Two Words"',
);
await refused(
  "that needs what the system has not",
  "extern int there_is_no_such_thing;\nint *use(void) { return &there_is_no_such_thing; }\n",
  {},
  "Cannot load",
  "there_is_no_such_thing",
);
await refused(
  "that is an object file",
  EXAMPLE,
  { flags: ["-c"] },
  "is a program or an object file, and no shared library",
);
if (Deno.build.arch === "x86_64" && Deno.build.os === "linux") {
  await refused(
    "for another architecture",
    EXAMPLE.replace(/.*/, "int nothing(void) { return 0; }\n"),
    { flags: ["-shared", "-m32", "-nostdlib"] },
    "is a library for x86, this machine is x86_64",
  );
}

Deno.test("a file that is not there, and one that is no library, are refused", async () => {
  await using folder = new Folder();
  await refuses(folder.file("none.so"), "there is no such file");
  await Deno.writeTextFile(folder.file("text.so"), "export const backend = 1;\n".repeat(9));
  await refuses(folder.file("text.so"), "is no shared library");
  await refuses(folder.path, "Cannot load");
});

await needing(["cc"], "the depth of a library is told from what it exports", async () => {
  await using folder = new Folder();
  using passes = Library.open(await compileC(EXAMPLE, folder.file("passes.so")));
  using whole = Library.open(await compileC(DOUBLE, folder.file("whole.so")));
  assertEquals([passes.depth, whole.depth], ["weight passes", "whole model"]);
  assertEquals([passes.has("saccade_open"), whole.has("saccade_energy")], [false, false]);
});
