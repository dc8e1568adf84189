/** Writes calls into a module that say what it does: every access to memory, every SIMD multiplication. */
import { assemble, disassemble, type Node } from "./wasm_text.ts";

/** An instruction of the module that is watched. */
export interface Site {
  /** Its name, as `v128.load`. */
  readonly op: string;
  /** The innermost loop around it. */
  readonly loop: Loop | null;
  /** Bytes that it reads or writes; 0 when it does neither. */
  readonly bytes: number;
  readonly reads: boolean;
  readonly writes: boolean;
}

/** A loop of the module. */
export interface Loop {
  /** The function it is in. */
  readonly function: string;
  /** How often each instruction stands in it, loops inside of it left out. */
  readonly instructions: Map<string, number>;
}

/** What an instrumented module calls; imported from the module `watch`. */
export interface Watch {
  /** An access is about to happen at `pointer + offset`; returns the pointer. */
  access(site: number, offset: number, pointer: number): number;
  /** `length` bytes are about to be copied or (`from` = -1) filled. */
  move(to: number, from: number, length: number): void;
  /** A SIMD multiplication is about to happen. */
  multiply(site: number): void;
}

/** A module that reports to a {@linkcode Watch}. */
export interface Instrumented {
  readonly binary: Uint8Array<ArrayBuffer>;
  readonly sites: readonly Site[];
}

const ACCESS = /^([ifv]\d+)\.(?:atomic\.)?(load|store|rmw)(\d+)?(x\d+)?/;
const MULTIPLY = /^f32x4\.(mul|relaxed_n?madd)$/;

/** What an instruction does to memory; null when it is no single access. */
function accessOf(op: string): Pick<Site, "bytes" | "reads" | "writes"> | null {
  const match = ACCESS.exec(op);
  if (match === null) return null;
  const [, type, kind, bits, times] = match;
  // load8x8 and its like widen 8 bytes; a number alone is the width in memory; none means the whole type.
  const bytes = times !== undefined ? 8 : Number(bits ?? type!.slice(1)) / 8;
  return { bytes, reads: kind !== "store", writes: kind !== "load" };
}

/**
 * Instruments a module: its own instructions stay as they are.
 *
 * @param binary a built module
 * @throws {TypeError} for an access to memory that this file does not know how to count
 */
export function instrument(binary: Uint8Array): Instrumented {
  const sites: Site[] = [];
  const name = (of: Node[]) => typeof of[1] === "string" ? of[1] : "";
  const rewrite = (node: Node, inFunction: string, loop: Loop | null): Node => {
    if (typeof node === "string") return node;
    const op = String(node[0]);
    loop?.instructions.set(op, (loop.instructions.get(op) ?? 0) + 1);
    const inside = op === "loop" ? { function: inFunction, instructions: new Map() } : loop;
    const list = node.map((child) => rewrite(child, inFunction, inside));
    const access = accessOf(op);
    if (access !== null) {
      const site = String(sites.push({ op, loop, ...access }) - 1);
      const offset = list.find((word) => String(word).startsWith("offset="));
      const pointer = list.findIndex(Array.isArray);
      list[pointer] = [
        "call",
        "$watch.access",
        ["i32.const", site],
        ["i32.const", String(offset ?? "").slice("offset=".length) || "0"],
        list[pointer]!,
      ];
    } else if (op === "memory.copy" || op === "memory.fill") {
      return ["call", `$watch.${op}`, ...list.slice(1)];
    } else if (MULTIPLY.test(op)) {
      const site = String(sites.push({ op, loop, bytes: 0, reads: false, writes: false }) - 1);
      return ["block", ["result", "v128"], ["call", "$watch.multiply", ["i32.const", site]], list];
    } else if (/^memory\./.test(op) && !/^memory\.(size|init|atomic\.)/.test(op)) {
      // memory.init writes the linked data when the first instance starts; memory.atomic waits and notifies.
      throw new TypeError(`Cannot count what ${op} in function ${inFunction} does`);
    }
    return list;
  };
  const tree = disassemble(binary).map((field) =>
    field[0] === "func" ? rewrite(field, name(field as Node[]), null) : field
  );
  const firstDefinition = tree.findIndex((field) => Array.isArray(field) && field[0] === "global");
  tree.splice(firstDefinition, 0, ...IMPORTS);
  return { binary: assemble([...tree, ...FUNCTIONS]), sites };
}

function imported(name: keyof Watch, params: number, result = false): Node {
  const type: Node[] = [["param", ...new Array<string>(params).fill("i32")]];
  if (result) type.push(["result", "i32"]);
  return ["import", '"watch"', `"${name}"`, ["func", `$watch.${name}`, ...type]];
}

const IMPORTS: readonly Node[] = [
  imported("access", 3, true),
  imported("move", 3),
  imported("multiply", 1),
];

const local = (i: number): Node => ["local.get", String(i)];

/** Copies and fills that report themselves. */
const FUNCTIONS: readonly Node[] = ["copy", "fill"].map((kind) => [
  "func",
  `$watch.memory.${kind}`,
  ["param", "i32", "i32", "i32"],
  ["call", "$watch.move", local(0), kind === "copy" ? local(1) : ["i32.const", "-1"], local(2)],
  [`memory.${kind}`, local(0), local(1), local(2)],
]);
