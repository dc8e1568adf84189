/**
 * A library that does the three weight passes, as an engine.
 *
 * @module
 */
import type { Engine, Learning, Shapes, WeightPasses, Weights } from "../passes/engine.ts";
import { openHandle } from "./device.ts";
import { Library, OK } from "./library.ts";
import { StructRecord, STRUCTS } from "./structs.ts";

/** Bytes for sentences. */
const ROOM = 4096;

/** What is known of a library's device. */
export type EngineTraits = Pick<Engine, "name" | "description" | "kind" | "deterministic">;

/**
 * The passes of a library as an engine.
 *
 * @param path the library
 * @param traits what it says of itself
 * @param threads how many threads are wished for; 0 for no wish
 */
export function nativeEngine(path: string, traits: EngineTraits, threads: number): Engine {
  return {
    ...traits,
    refuses(shapes) {
      using library = Library.open(path);
      if (!library.has("saccade_passes_accept")) return [];
      const device = openHandle(library, 0, threads);
      const text = new Uint8Array(ROOM);
      const { bytes } = shapesRecord(shapes);
      const status = library.symbols.saccade_passes_accept(device, bytes, text, BigInt(ROOM));
      if (library.has("saccade_close")) library.symbols.saccade_close(device);
      if (status === OK) return [];
      const said = new TextDecoder().decode(text.subarray(0, Math.max(text.indexOf(0), 0)));
      const reasons = said.split("\n").filter((reason) => reason !== "");
      return reasons.length > 0 ? reasons : ["The library refuses these matrices without a reason"];
    },
    load: (shapes, weights) => new NativePasses(path, threads, shapes, weights),
  };
}

function shapesRecord(shapes: Shapes) {
  const record = new StructRecord(STRUCTS.shapes);
  record.set("units", shapes.units);
  record.set("hidden", shapes.hidden);
  record.set("has_momentum", Number(shapes.momentum !== undefined));
  record.set("momentum", shapes.momentum ?? 0);
  record.point("inputs", shapes.inputs);
  record.point("outputs", shapes.outputs);
  return record;
}

function weightsRecord(weights: Weights) {
  const record = new StructRecord(STRUCTS.weights);
  record.point("encoder", weights.encoder);
  record.point("decoder", weights.decoder);
  record.point("encoder_momentum", weights.encoderMomentum ?? null);
  record.point("decoder_momentum", weights.decoderMomentum ?? null);
  return record;
}

/** Any array, as the calls take it. */
function buffer(array: Float32Array | Uint8Array): Uint8Array<ArrayBuffer> {
  return array as Uint8Array<ArrayBuffer>;
}

class NativePasses implements WeightPasses {
  readonly #library: Library;
  readonly #device: Deno.PointerValue;
  readonly #handle: Deno.PointerObject;
  #open = true;

  constructor(path: string, threads: number, shapes: Shapes, weights: Weights) {
    this.#library = Library.open(path);
    try {
      this.#device = openHandle(this.#library, 0, threads);
      const out = new BigUint64Array(1);
      const { symbols } = this.#library;
      const [shape, values] = [shapesRecord(shapes), weightsRecord(weights)];
      this.#library.check(
        symbols.saccade_passes_load(this.#device, shape.bytes, values.bytes, out),
      );
      this.#handle = Deno.UnsafePointer.create(out[0]!)!;
    } catch (error) {
      this.#library[Symbol.dispose]();
      throw error;
    }
  }

  sendBack(
    errors: Float32Array,
    hidden: Float32Array,
    { learns, rates }: Learning,
    back: Float32Array,
  ): void {
    this.#library.check(
      this.#library.symbols.saccade_send_back(
        this.#handle,
        buffer(errors),
        buffer(hidden),
        buffer(learns),
        buffer(rates),
        buffer(back),
      ),
    );
  }

  encode(
    deltas: Float32Array,
    inputs: Float32Array,
    { learns, rates }: Learning,
    next: Float32Array,
    out: Float32Array,
  ): void {
    this.#library.check(
      this.#library.symbols.saccade_encode(
        this.#handle,
        buffer(deltas),
        buffer(inputs),
        buffer(learns),
        buffer(rates),
        buffer(next),
        buffer(out),
      ),
    );
  }

  decode(hidden: Float32Array, out: Float32Array): void {
    const { symbols } = this.#library;
    this.#library.check(symbols.saccade_decode(this.#handle, buffer(hidden), buffer(out)));
  }

  save(into: Weights): void {
    const { symbols } = this.#library;
    const record = weightsRecord(into);
    this.#library.check(symbols.saccade_passes_save(this.#handle, record.bytes));
  }

  dispose(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#library.symbols.saccade_passes_unload(this.#handle);
    if (this.#library.has("saccade_close")) this.#library.symbols.saccade_close(this.#device);
    this.#library[Symbol.dispose]();
  }
}
