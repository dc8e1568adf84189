/**
 * What a file says of itself before anybody loads it: the system's own complaint about a library of another machine is a riddle.
 *
 * @module
 */

/** Machine codes of ELF (e_machine), Mach-O (cputype) and PE (Machine), as Deno names architectures where it can. */
const ELF: Readonly<Record<number, string>> = {
  3: "x86",
  8: "mips",
  21: "ppc64",
  22: "s390x",
  40: "arm",
  62: "x86_64",
  183: "aarch64",
  243: "riscv64",
  258: "loongarch64",
};
const MACH: Readonly<Record<number, string>> = { 0x01000007: "x86_64", 0x0100000c: "aarch64" };
const PE: Readonly<Record<number, string>> = { 0x14c: "x86", 0x8664: "x86_64", 0xaa64: "aarch64" };

/** The systems that load each format. */
const SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  ELF: ["linux", "android", "freebsd", "netbsd", "solaris", "illumos"],
  "Mach-O": ["darwin"],
  PE: ["windows"],
};

/** What a file is. */
export interface LibraryKind {
  /** The format of the file. */
  readonly format: "ELF" | "Mach-O" | "PE";
  /** The architectures that it is for; a number where it has no name here. */
  readonly machines: readonly string[];
  /** Whether it is a library, and no program or object file. */
  readonly shared: boolean;
}

/**
 * Reads the header of a library.
 *
 * @param bytes the first 4096 bytes of a file, or all of it
 * @returns null for what is no library of any known format
 */
export function libraryKind(bytes: Uint8Array): LibraryKind | null {
  if (bytes.length < 64) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const named = (names: Readonly<Record<number, string>>, code: number) =>
    names[code] ?? `machine 0x${code.toString(16)}`;
  const magic = view.getUint32(0);
  if (magic === 0x7f454c46) {
    const little = bytes[5] === 1;
    const machine = named(ELF, view.getUint16(18, little));
    const machines = [little ? machine : `${machine} (big-endian)`];
    return { format: "ELF", machines, shared: view.getUint16(16, little) === 3 };
  }
  if (magic === 0xcffaedfe) {
    const shared = view.getUint32(12, true) === 6 || view.getUint32(12, true) === 8;
    return { format: "Mach-O", machines: [named(MACH, view.getUint32(4, true))], shared };
  }
  if (magic === 0xcafebabe && view.getUint32(4) < 20) {
    // A file for several machines: twenty bytes for each.
    const machines = Array.from(
      { length: Math.min(view.getUint32(4), Math.floor((bytes.length - 8) / 20)) },
      (_, i) => named(MACH, view.getUint32(8 + 20 * i)),
    );
    return { format: "Mach-O", machines, shared: true };
  }
  if (view.getUint16(0) === 0x4d5a) {
    const at = view.getUint32(60, true);
    if (at + 24 > bytes.length || view.getUint32(at) !== 0x50450000) return null;
    const shared = (view.getUint16(at + 22, true) & 0x2000) !== 0;
    return { format: "PE", machines: [named(PE, view.getUint16(at + 4, true))], shared };
  }
  return null;
}

/**
 * Why a file cannot be loaded here.
 *
 * @param bytes as for {@linkcode libraryKind}
 * @param here the machine at hand
 * @returns what it is instead, to stand behind its name; null where nothing is wrong
 */
export function whyNotLoadable(
  bytes: Uint8Array,
  here: { readonly os: string; readonly arch: string } = Deno.build,
): string | null {
  const kind = libraryKind(bytes);
  if (kind === null) return "is no shared library";
  const { format, machines, shared } = kind;
  if (!SYSTEMS[format]!.includes(here.os)) {
    return `is a library for ${SYSTEMS[format]!.slice(0, 1)} (${format}), this is ${here.os}`;
  }
  if (!machines.includes(here.arch)) {
    return `is a library for ${machines.join(" and ")}, this machine is ${here.arch}`;
  }
  return shared ? null : "is a program or an object file, and no shared library";
}
