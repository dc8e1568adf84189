import fc from "fast-check";
import { assertEquals, assertThrows } from "../std_assert.ts";
import { decodeTensors, encodeTensors, type TensorFile } from "./safetensors.ts";

const join = async (parts: Uint8Array<ArrayBuffer>[]) => await new Blob(parts).bytes();

const name = fc.string({ minLength: 1, maxLength: 12 }).filter((s) => s !== "__metadata__");
const file: fc.Arbitrary<TensorFile> = fc.record({
  metadata: fc.dictionary(name, fc.string(), { maxKeys: 4, noNullPrototype: true }),
  tensors: fc.dictionary(
    name.filter((s) => s !== "__proto__"),
    fc.oneof(
      fc.float32Array(),
      fc.float64Array(),
      fc.uint8Array(),
      fc.int16Array(),
      fc.record({ dtype: fc.constantFrom("F16" as const, "BF16"), words: fc.uint16Array() }),
    ),
    { maxKeys: 5, noNullPrototype: true },
  ),
});

Deno.test("decodeTensors() gives back what encodeTensors() was given", () =>
  fc.assert(fc.asyncProperty(file, async (file) => {
    const { tensors } = decodeTensors(await join(encodeTensors(file)));
    assertEquals(Object.keys(tensors).sort(), Object.keys(file.tensors).sort());
    for (const [name, tensor] of Object.entries(file.tensors)) {
      assertEquals(tensors[name], tensor);
    }
  })));

Deno.test("decodeTensors() takes empty tensors, wherever they lie", async () => {
  const tensors = { a: Float32Array.of(1), b: new Float64Array(), c: new Uint8Array() };
  assertEquals(
    decodeTensors(await join(encodeTensors({ metadata: {}, tensors }))).tensors,
    tensors,
  );
});

Deno.test("encodeTensors() writes equal bytes whatever the order of the names", async () => {
  const [a, b] = [Float32Array.of(1, 2), Uint8Array.of(3)];
  assertEquals(
    await join(encodeTensors({ metadata: { x: "1", y: "2" }, tensors: { a, b } })),
    await join(encodeTensors({ metadata: { y: "2", x: "1" }, tensors: { b, a } })),
  );
});

Deno.test("decodeTensors() refuses every truncation", () =>
  fc.assert(fc.asyncProperty(file, fc.nat(), async (file, at) => {
    const bytes = await join(encodeTensors(file));
    assertThrows(() => decodeTensors(bytes.subarray(0, at % bytes.length)), SyntaxError);
  })));

Deno.test("decodeTensors() says what is wrong with a header", () => {
  const encode = (header: unknown, data = 0) => {
    const json = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(8 + json.length + data);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    return bytes;
  };
  const tensor = (fields: Record<string, unknown>) =>
    encode({ x: { dtype: "F32", shape: [1], data_offsets: [0, 4], ...fields } }, 4);
  assertThrows(() => decodeTensors(tensor({ dtype: "I64" })), SyntaxError, `of type "I64"`);
  assertThrows(() => decodeTensors(tensor({ shape: [2] })), SyntaxError, "its shape says");
  assertThrows(() => decodeTensors(tensor({ data_offsets: [2, 4] })), SyntaxError, "cannot be");
  assertThrows(() => decodeTensors(tensor({ data_offsets: [0, 8] })), SyntaxError);
  assertThrows(() => decodeTensors(encode({}, 3)), SyntaxError, "3 bytes behind");
  assertThrows(() => decodeTensors(new TextEncoder().encode("no tensors at all")), SyntaxError);
});
