/** Headers of libraries of every system, each as short as it can be. */
import { assertEquals } from "../../std_assert.ts";
import { libraryKind, whyNotLoadable } from "./library_file.ts";

function header(...parts: readonly [at: number, bytes: readonly number[]][]): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const [at, values] of parts) bytes.set(values, at);
  return bytes;
}

const elf = (machine: number, type = 3) =>
  header([0, [0x7f, 0x45, 0x4c, 0x46, 2, 1]], [16, [type, 0]], [18, [machine, 0]]);
const macho = (cpu: number) => header([0, [0xcf, 0xfa, 0xed, 0xfe, cpu, 0, 0, 1]], [12, [6]]);
const pe = (machine: readonly number[]) =>
  header([0, [0x4d, 0x5a]], [60, [0x80]], [0x80, [0x50, 0x45, 0, 0, ...machine]], [
    0x96,
    [0, 0x20],
  ]);
const linux = { os: "linux", arch: "x86_64" };

Deno.test("a library says its format and machine", () => {
  const shared = true;
  assertEquals(libraryKind(elf(62)), { format: "ELF", machines: ["x86_64"], shared });
  assertEquals(libraryKind(elf(183)), { format: "ELF", machines: ["aarch64"], shared });
  assertEquals(libraryKind(macho(7)), { format: "Mach-O", machines: ["x86_64"], shared });
  assertEquals(libraryKind(macho(12)), { format: "Mach-O", machines: ["aarch64"], shared });
  assertEquals(libraryKind(pe([0x64, 0x86])), { format: "PE", machines: ["x86_64"], shared });
  assertEquals(libraryKind(pe([0x64, 0xaa])), { format: "PE", machines: ["aarch64"], shared });
  const fat = header([0, [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2]], [8, [1, 0, 0, 7]], [28, [
    1,
    0,
    0,
    12,
  ]]);
  assertEquals(libraryKind(fat)?.machines, ["x86_64", "aarch64"]);
});

Deno.test("what is no library is told from one", () => {
  for (const text of ["", "no library", "MZ and then nothing of the kind ".repeat(9)]) {
    assertEquals(libraryKind(new TextEncoder().encode(text)), null, text);
  }
});

Deno.test("what cannot be loaded here is said in words", () => {
  assertEquals(whyNotLoadable(elf(62), linux), null);
  assertEquals(
    whyNotLoadable(elf(183), linux),
    "is a library for aarch64, this machine is x86_64",
  );
  assertEquals(
    whyNotLoadable(elf(99), linux),
    "is a library for machine 0x63, this machine is x86_64",
  );
  assertEquals(whyNotLoadable(macho(12), linux), "is a library for darwin (Mach-O), this is linux");
  assertEquals(
    whyNotLoadable(pe([0x64, 0x86]), linux),
    "is a library for windows (PE), this is linux",
  );
  assertEquals(
    whyNotLoadable(elf(62, 1), linux),
    "is a program or an object file, and no shared library",
  );
  assertEquals(whyNotLoadable(new Uint8Array(9), linux), "is no shared library");
});
