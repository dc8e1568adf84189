/** A built WebAssembly module as a tree of its text, and a tree as a module. */
// deno-lint-ignore no-import-prefix
import binaryen from "npm:binaryen@132.0.0";

const { SIMD128, RelaxedSIMD, Atomics, BulkMemory, MutableGlobals, SignExt } = binaryen.Features;
/** What the kernels are built with; all that binaryen knows would be written in ways that V8 cannot read yet. */
const FEATURES = SIMD128 | RelaxedSIMD | Atomics | BulkMemory | MutableGlobals | SignExt;

/** A list in brackets, or a word. */
export type Node = string | Node[];

/**
 * Takes a module apart.
 *
 * @param binary a module
 * @returns its text as a tree: `["module", ["func", ...], ...]`, operands inside of their instruction
 */
export function disassemble(binary: Uint8Array): Node[] {
  const module = binaryen.readBinary(binary);
  const text = module.emitText();
  module.dispose();
  const open: Node[][] = [[]];
  for (const [word] of text.matchAll(/;;.*|"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/g)) {
    if (word.startsWith(";;")) continue;
    if (word === "(") open.push([]);
    else if (word === ")") {
      const list = open.pop()!;
      open.at(-1)!.push(list);
    } else open.at(-1)!.push(word);
  }
  return open[0]![0] as Node[];
}

/**
 * Puts a module together.
 *
 * @param tree as {@linkcode disassemble} gives it
 * @returns the module; it holds the instructions of the tree as they are, not optimised
 */
export function assemble(tree: Node[]): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(print(tree));
  module.setFeatures(FEATURES);
  const binary = module.emitBinary();
  module.dispose();
  return new Uint8Array(binary);
}

function print(node: Node): string {
  return typeof node === "string" ? node : `(${node.map(print).join(" ")})`;
}
