import { assert, assertEquals } from "../../std_assert.ts";
import { Graph } from "./graph.ts";

/** Whether the bytes of a text are in a model. */
const has = (model: Uint8Array, text: string) =>
  new TextDecoder("latin1").decode(model).includes(text);

Deno.test("encode() leaves out what leads to no output that is wanted", () => {
  const graph = new Graph();
  const a = graph.input("a", "float", [2]);
  const b = graph.input("b", "float", [2]);
  graph.output("wanted", graph.op("Sqrt", [a]), "float", [2]);
  graph.output("unwanted", graph.op("Tanh", [graph.op("Mul", [b, graph.float(17)])]), "float", [2]);
  graph.prune(["wanted"], () => undefined);
  assertEquals(graph.inputs.map(({ name }) => name), ["a"]);
  const model = graph.encode("g");
  assert(has(model, "Sqrt") && !has(model, "Tanh"));
});

Deno.test("prune() keeps what becomes of a state that is needed", () => {
  const graph = new Graph();
  const count = graph.input("count", "float", []);
  graph.output("count.next", graph.op("Exp", [count]), "float", []);
  graph.output("twice", graph.op("Add", [count, count]), "float", []);
  graph.prune(["twice"], (input) => `${input}.next`);
  assertEquals(graph.outputs.map(({ name }) => name), ["count.next", "twice"]);
});

Deno.test("a node writes an output under its own name; an input that is an output is copied", () => {
  const graph = new Graph();
  const a = graph.input("a", "float", [2]);
  const root = graph.op("Sqrt", [a]);
  graph.output("root", root, "float", [2]);
  graph.output("same", root, "float", [2]);
  assertEquals(new TextDecoder("latin1").decode(graph.encode("g")).split("Identity").length - 1, 2);
  const other = new Graph();
  other.output("copy", other.input("a", "float", [2]), "float", [2]);
  assert(has(other.encode("g"), "Identity"));
});

Deno.test("only graphs that use them ask for operators outside the standard", () => {
  const graph = new Graph();
  const a = graph.input("a", "float", [1, 1, 1, 1]);
  graph.output("b", graph.op("Relu", [a]), "float", [1, 1, 1, 1]);
  assert(!has(graph.encode("g"), "com.microsoft"));
  graph.output("c", graph.op("FusedConv", [a, a, "", a]), "float", [1, 1, 1, 1]);
  assert(has(graph.encode("g"), "com.microsoft"));
});
