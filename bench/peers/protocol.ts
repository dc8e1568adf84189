/**
 * How the bench talks with a peer that is written in TypeScript: one JSON object a line, the same as `numpy_step.py` speaks.
 *
 * @module
 */

/** A model that a peer runs. */
export interface PeerModel {
  /** One step. */
  step(): void;
  /** Mean squared error of each layer in the last step. */
  mse(): number[];
  /** Writes all tensors that are compared. */
  save(path: string): void;
}

/** What a peer is asked. */
export type Request =
  | { readonly command: "verify"; readonly steps: number; readonly to: string }
  | { readonly command: "time"; readonly ms: number };

/** Steps from the first state, the mean squared error of each layer in each of them. */
export interface Verified {
  readonly mse: readonly (readonly number[])[];
}

/** Steps, and how long they took. */
export interface Timed {
  readonly steps: number;
  readonly ms: number;
}

/** The lines of a stream. */
export function lines(stream: ReadableStream<Uint8Array>): ReadableStreamDefaultReader<string> {
  let rest = "";
  const split = new TransformStream<string, string>({
    transform(text, controller) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      for (const part of parts) controller.enqueue(part);
    },
  });
  // The cast: the decoder's input type is wider than what streams of bytes have.
  const decoder = new TextDecoderStream() as TransformStream<Uint8Array, string>;
  return stream.pipeThrough(decoder).pipeThrough(split).getReader();
}

/**
 * Answers requests on standard input until it ends.
 *
 * @param version of the library, which is said first
 * @param model what is run
 */
export async function answer(version: string, model: PeerModel): Promise<void> {
  console.log(JSON.stringify({ version }));
  const reader = lines(Deno.stdin.readable);
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const request: Request = JSON.parse(next.value);
    console.log(JSON.stringify(request.command === "verify" ? verify(request) : time(request)));
  }

  function verify({ steps, to }: { steps: number; to: string }): Verified {
    const mse = Array.from({ length: steps }, () => {
      model.step();
      return model.mse();
    });
    model.save(to);
    return { mse };
  }

  function time({ ms }: { ms: number }): Timed {
    const begin = performance.now();
    let steps = 0;
    while (steps < 3 || performance.now() - begin < ms) {
      model.step();
      steps++;
    }
    return { steps, ms: performance.now() - begin };
  }
}
