/**
 * Builds ONNX models: nodes are added in the order they run, and what no output needs is left out.
 *
 * @module
 */
import { Message } from "./protobuf.ts";

/** Element types, by their number in TensorProto. */
export const ELEMENT = {
  float: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
} as const;

/** An element type. */
export type Element = keyof typeof ELEMENT;

/** The name of a tensor in the graph. */
export type Value = string;

/** What a node may be told. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** A named tensor of known shape. */
export interface Port {
  readonly name: Value;
  readonly element: Element;
  readonly dims: readonly number[];
}

/** The versions that every runtime of the last years reads. */
const IR_VERSION = 8;
const OPSET = 17;
/** Of the operators that only ONNX Runtime has. */
const CONTRIBUTED = "com.microsoft";

/** Numbers of fields in onnx.proto. */
const MODEL = { ir: 1, producer: 2, producerVersion: 3, doc: 6, graph: 7, opset: 8, metadata: 14 };
const OPERATORS = { domain: 1, version: 2 };
const GRAPH = { node: 1, name: 2, initializer: 5, doc: 10, input: 11, output: 12 };
const NODE = { input: 1, output: 2, name: 3, type: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = { name: 1, float: 2, int: 3, ints: 8, type: 20 };
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 };
const TENSOR = { dims: 1, element: 2, name: 8, raw: 9 };
const VALUE_INFO = { name: 1, type: 2 };

type Data = Float32Array | Int32Array | BigInt64Array | Int8Array | Uint8Array;

interface Node {
  readonly type: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A graph being built. */
export class Graph {
  readonly #nodes: Node[] = [];
  readonly #inputs: Port[] = [];
  readonly #outputs: Port[] = [];
  readonly #initializers = new Map<Value, Message>();
  readonly #constants = new Map<string, Value>();
  #names = 0;

  /** What goes in, in the order it was declared. */
  get inputs(): readonly Port[] {
    return this.#inputs;
  }

  /** What comes out. */
  get outputs(): readonly Port[] {
    return this.#outputs;
  }

  /** Declares an input. */
  input(name: Value, element: Element, dims: readonly number[]): Value {
    this.#inputs.push({ name, element, dims });
    return name;
  }

  /** Gives a value a name and declares it an output. */
  output(name: Value, value: Value, element: Element, dims: readonly number[]): void {
    this.#nodes.push({ type: "Identity", inputs: [value], outputs: [name], attributes: {} });
    this.#outputs.push({ name, element, dims });
  }

  /** Stores a tensor in the model: a constant, or what an input of this name is unless it is given. */
  initializer(name: Value, element: Element, dims: readonly number[], data: Data): Value {
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const tensor = new Message().int(TENSOR.dims, ...dims).int(TENSOR.element, ELEMENT[element]);
    this.#initializers.set(name, tensor.text(TENSOR.name, name).data(TENSOR.raw, raw));
    return name;
  }

  /** A constant of floats, stored once however often it is asked for; a scalar unless dimensions are stated. */
  float(values: number | readonly number[], dims: readonly number[] = []): Value {
    const list = typeof values === "number" ? [values] : values;
    return this.#constant("float", dims, Float32Array.from(list));
  }

  /** A constant of 64-bit whole numbers: a list, as shapes and axes are. */
  ints(...values: readonly number[]): Value {
    return this.#constant("int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  /** A constant scalar of 64 bits. */
  int(value: number): Value {
    return this.#constant("int64", [], BigInt64Array.of(BigInt(value)));
  }

  /** A constant table of places to gather from. */
  table(values: ArrayLike<number>, dims: readonly number[]): Value {
    return this.#constant("int32", dims, Int32Array.from(values));
  }

  /** Any constant. */
  constant(element: Element, dims: readonly number[], data: Data): Value {
    return this.initializer(this.#fresh("c"), element, dims, data);
  }

  /**
   * Adds a node of one output.
   *
   * @param type the operator
   * @param inputs what it takes; "" stands for one that is left out
   * @param attributes what it is told
   */
  op(
    type: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value {
    return this.ops(type, inputs, 1, attributes)[0]!;
  }

  /** Adds a node of several outputs. */
  ops(
    type: string,
    inputs: readonly Value[],
    count: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const outputs = Array.from({ length: count }, () => this.#fresh("v"));
    this.#nodes.push({ type, inputs, outputs, attributes });
    return outputs;
  }

  /**
   * Leaves out what does not lead to outputs that are wanted.
   *
   * @param wanted names of outputs
   * @param leadsTo the output that an input calls for when it is needed: what becomes of a state must be known then
   */
  prune(wanted: Iterable<Value>, leadsTo: (input: Value) => Value | undefined): void {
    const producers = new Map(this.#nodes.flatMap((node) => node.outputs.map((o) => [o, node])));
    const needed = new Set<Value>();
    const pending = [...wanted];
    for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
      if (needed.has(value)) continue;
      needed.add(value);
      pending.push(...producers.get(value)?.inputs ?? []);
      const next = this.#inputs.some(({ name }) => name === value) ? leadsTo(value) : undefined;
      if (next !== undefined) pending.push(next);
    }
    retain(this.#nodes, ({ outputs }) => outputs.some((output) => needed.has(output)));
    retain(this.#inputs, ({ name }) => needed.has(name));
    retain(this.#outputs, ({ name }) => needed.has(name));
    for (const name of this.#initializers.keys()) {
      if (!needed.has(name)) this.#initializers.delete(name);
    }
  }

  /**
   * Encodes the model.
   *
   * @param name of the graph
   * @param doc a text for people
   * @param metadata texts for programs
   */
  encode(
    name: string,
    doc = "",
    metadata: Readonly<Record<string, string>> = {},
  ): Uint8Array<ArrayBuffer> {
    const graph = new Message();
    const nodes = withoutIdentities(this.#nodes, new Set(this.#inputs.map((port) => port.name)));
    for (const [i, node] of nodes.entries()) {
      graph.message(GRAPH.node, encodeNode(node, `${i} ${node.type}`));
    }
    graph.text(GRAPH.name, name);
    for (const tensor of this.#initializers.values()) graph.message(GRAPH.initializer, tensor);
    for (const port of this.#inputs) graph.message(GRAPH.input, encodePort(port));
    for (const port of this.#outputs) graph.message(GRAPH.output, encodePort(port));
    const model = new Message().int(MODEL.ir, IR_VERSION)
      .text(MODEL.producer, "saccade").text(MODEL.doc, doc)
      .message(MODEL.graph, graph)
      .message(MODEL.opset, new Message().text(OPERATORS.domain, "").int(2, OPSET));
    if (nodes.some(({ type }) => domainOf(type) !== "")) {
      const operators = new Message().text(OPERATORS.domain, CONTRIBUTED);
      model.message(MODEL.opset, operators.int(OPERATORS.version, 1));
    }
    for (const [key, text] of Object.entries(metadata)) {
      model.message(MODEL.metadata, new Message().text(1, key).text(2, text));
    }
    return model.bytes();
  }

  #constant(element: Element, dims: readonly number[], data: Data): Value {
    const key = `${element} ${dims} ${data}`;
    const known = this.#constants.get(key) ?? this.constant(element, dims, data);
    this.#constants.set(key, known);
    return known;
  }

  #fresh(letter: string): Value {
    return `${letter}${this.#names++}`;
  }
}

function retain<T>(list: T[], keep: (item: T) => boolean): void {
  list.splice(0, list.length, ...list.filter(keep));
}

/** Lets a node write an output itself where it is not an input, or already another output, that is given its name. */
function withoutIdentities(nodes: readonly Node[], inputs: ReadonlySet<Value>): readonly Node[] {
  const renamed = new Map<Value, Value>();
  const produced = new Set(
    nodes.flatMap(({ type, outputs }) => type === "Identity" ? [] : outputs),
  );
  const kept = nodes.filter(({ type, inputs: [from], outputs: [to] }) => {
    const direct = type === "Identity" && !inputs.has(from!) && produced.has(from!) &&
      !renamed.has(from!);
    if (direct) renamed.set(from!, to!);
    return !direct;
  });
  const rename = (value: Value) => renamed.get(value) ?? value;
  return kept.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
}

/** The two operators that the in-place form of the weight passes uses are no part of the standard. */
function domainOf(type: string): string {
  return type === "FusedConv" ? CONTRIBUTED : "";
}

function encodeNode({ type, inputs, outputs, attributes }: Node, name: string): Message {
  const node = new Message();
  for (const input of inputs) node.text(NODE.input, input);
  for (const output of outputs) node.text(NODE.output, output);
  node.text(NODE.name, name).text(NODE.type, type);
  for (const [key, value] of Object.entries(attributes)) {
    const attribute = new Message().text(ATTRIBUTE.name, key);
    if (typeof value === "number") {
      attribute.int(ATTRIBUTE.int, value).int(ATTRIBUTE.type, ATTRIBUTE_TYPE.int);
    } else if ("float" in value) {
      attribute.float(ATTRIBUTE.float, value.float).int(ATTRIBUTE.type, ATTRIBUTE_TYPE.float);
    } else {
      attribute.int(ATTRIBUTE.ints, ...value).int(ATTRIBUTE.type, ATTRIBUTE_TYPE.ints);
    }
    node.message(NODE.attribute, attribute);
  }
  const domain = domainOf(type);
  return domain === "" ? node : node.text(NODE.domain, domain);
}

function encodePort({ name, element, dims }: Port): Message {
  const shape = new Message();
  for (const size of dims) shape.message(1, new Message().int(1, size));
  const tensor = new Message().int(1, ELEMENT[element]).message(2, shape);
  return new Message().text(VALUE_INFO.name, name)
    .message(VALUE_INFO.type, new Message().message(1, tensor));
}
