/**
 * Gunzipping that knows an incomplete file from a damaged one.
 *
 * @module
 */

/** A gunzipped stream. */
export interface Gunzipped {
  /** The bytes that were compressed. It fails at its end when the compressed ones were cut short. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Whether the failure of the stream means that compressed bytes are missing at the end. */
  endedEarly(): boolean;
}

/**
 * Gunzips a stream.
 *
 * `DecompressionStream` has one and the same error for a cut file and for a wrong checksum, so the length in the
 * last four bytes decides: where it is right, nothing is missing.
 *
 * @param compressed the gzipped bytes
 * @returns what was compressed
 */
export function gunzip(compressed: ReadableStream<Uint8Array>): Gunzipped {
  const tail = new Uint8Array(4);
  let ended = false;
  let length = 0;
  const before = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      const last = chunk.subarray(-4);
      tail.copyWithin(0, last.length);
      tail.set(last, 4 - last.length);
      controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
    },
    flush: () => void (ended = true),
  });
  // No queue behind the decompressor: a failing stream throws its queue away, and with it whole frames.
  const stream = compressed.pipeThrough(before).pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.getReader();
  return {
    stream: new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await reader.read();
        if (done) return controller.close();
        length += value.length;
        controller.enqueue(value);
      },
      cancel: (why) => reader.cancel(why),
    }, { highWaterMark: 0 }),
    endedEarly: () => ended && new DataView(tail.buffer).getUint32(0, true) !== length % 2 ** 32,
  };
}
