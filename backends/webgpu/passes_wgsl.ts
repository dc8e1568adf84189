/**
 * The three weight passes in WGSL, for one unit a workgroup.
 *
 * Weights lie in groups of four hidden lanes, hidden outputs innermost: an encoder is [inputs][quads], a decoder [outputs][quads]. An
 * invocation owns a group of lanes and every `slices`-th row, so that neighbours read neighbouring groups: a pass is one linear stream.
 * Four rows are loaded before the first is stored, for a compiler may not move a load over a store.
 *
 * @module
 */
import { float } from "./literal.ts";

/** Rows in flight. */
export const ROWS = 4;
/** Lanes that are added in one turn of a loop: llvmpipe ends all loops after 65,535 turns (see `turnsOf`). */
export const LANES = 16;

/** What the passes depend on. */
export interface PassesOptions {
  /** mu; undefined where there is no momentum. */
  readonly momentum: number | undefined;
  /** Whether weights are rounded to 16 bits. */
  readonly half: boolean;
}

/** A loop over rows: as many at once as there are, then one at a time. */
function rows(count: string, slices: string, body: (n: number) => string): string {
  return /* wgsl */ `
      var row = slice;
      for (; row + ${ROWS - 1}u * ${slices} < ${count}; row += ${ROWS}u * ${slices}) {
        ${body(ROWS)}
      }
      for (; row < ${count}; row += ${slices}) {
        ${body(1)}
      }`;
}

const each = (n: number, line: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => line(i)).join("\n        ");

/** WGSL of the passes: `send_back`, `encode` and `decode`. */
export function passesWgsl({ momentum, half }: PassesOptions): string {
  /** Rows of `matrix` from `u.at`: w0, w1 ... become what they learn from `terms`. */
  const learnt = (n: number, words: string) =>
    momentum === undefined
      ? each(n, (i) => `w${i} = store(k${i}, w${i} + term${i}${half ? `, ${words}${i}` : ""});`)
      : [
        each(n, (i) => `var m${i} = momentum[k${i}];`),
        each(n, (i) => `m${i} = term${i} + ${float(momentum)} * m${i}; momentum[k${i}] = m${i};`),
        each(n, (i) => `w${i} = store(k${i}, w${i} + m${i}${half ? `, ${words}${i}` : ""});`),
      ].join("\n        ");
  const at = (n: number, matrix: "encoder" | "decoder", slices: string) =>
    each(n, (i) => {
      const row = `row${i}`;
      return `let ${row} = row + ${i}u * ${slices}; let k${i} = u.${matrix} + ${row} * ${matrix.toUpperCase()}_QUADS + q; var w${i} = load(k${i});`;
    });
  const key = (matrix: 0 | 1) =>
    half ? `let key = noise_key(now[SEED], now[STEP], u.id, ${matrix}u);` : "";
  /** In an encoder lanes are rows and inputs are columns, in a decoder outputs are rows. */
  const lanes = (word: string) =>
    half
      ? `let lanes = vec4u(${word}(key, 4u * q), ${word}(key, 4u * q + 1u), ${word}(key, 4u * q + 2u), ${word}(key, 4u * q + 3u));`
      : "";
  const noise = (n: number, word: string) =>
    half ? each(n, (i) => `let noise${i} = lanes ^ vec4u(${word}(key, row${i}));`) : "";

  return /* wgsl */ `
/** Four lanes of a vector with H values; the lane behind them has another value, and the rest 0. */
fn lanes_of(at: u32, q: u32, behind: f32) -> vec4f {
  let j = 4u * q;
  return vec4f(lane_of(at, j, behind), lane_of(at, j + 1u, behind), lane_of(at, j + 2u, behind), lane_of(at, j + 3u, behind));
}

fn lane_of(at: u32, j: u32, behind: f32) -> f32 {
  if (j < H) {
    return state[at + j];
  }
  return select(0.0, behind, j == H);
}

/** Sums over the slices; lane by lane, into H values of the state. */
fn gather_lanes(to: u32, quad: u32, width: u32, slices: u32, tid: u32) {
  for (var lane = tid; lane < 4u * width; lane += WORKGROUP) {
    let j = 4u * quad + lane;
    if (j < H) {
      var sum = 0.0;
      for (var slice = 0u; slice < slices; slice++) {
        sum += many[(lane & 3u) * WORKGROUP + slice * width + (lane >> 2u)];
      }
      state[to + j] = sum;
    }
  }
}

/** Pass 1, decoder: back = W2' delta with the weights as they are; then W2 learns rate delta [h; bias]'. */
fn send_back(u: Unit, rate: f32, hidden: u32, bias: f32, tid: u32) {
  let delta = place.delta + u.output_at;
  for (var quad = 0u; quad < DECODER_QUADS; quad += DECODER_WIDTH) {
    let q = quad + tid % DECODER_WIDTH;
    let slice = tid / DECODER_WIDTH;
    var sum = vec4f();
    if (slice < DECODER_SLICES && q < DECODER_QUADS) {
      let h = rate * lanes_of(hidden, q, bias);
      ${key(1)}
      ${lanes("column_word")}
      ${
    rows("u.outputs", "DECODER_SLICES", (n) =>
      [
        at(n, "decoder", "DECODER_SLICES"),
        each(
          n,
          (i) =>
            `let d${i} = state[delta + row${i}]; sum += d${i} * w${i}; let term${i} = d${i} * h;`,
        ),
        noise(n, "row_word"),
        learnt(n, "noise"),
      ].join("\n        "))
  }
    }
    put(sum, tid);
    workgroupBarrier();
    gather_lanes(place.back + u.local * H, quad, DECODER_WIDTH, DECODER_SLICES, tid);
    barrier();
  }
}

/** Pass 2, encoder: W1 learns rate back x', then hidden = W1 next. Each weight is read once and written once. */
fn encode(u: Unit, learning: bool, rate: f32, x: u32, next: u32, tid: u32) {
  for (var quad = 0u; quad < ENCODER_QUADS; quad += ENCODER_WIDTH) {
    let q = quad + tid % ENCODER_WIDTH;
    let slice = tid / ENCODER_WIDTH;
    var sum = vec4f();
    if (slice < ENCODER_SLICES && q < ENCODER_QUADS) {
      if (learning) {
        let d = rate * lanes_of(place.back + u.local * H, q, 0.0);
        ${key(0)}
        ${lanes("row_word")}
        ${
    rows("u.inputs", "ENCODER_SLICES", (n) =>
      [
        at(n, "encoder", "ENCODER_SLICES"),
        each(n, (i) => `let term${i} = state[x + row${i}] * d; let x${i} = state[next + row${i}];`),
        noise(n, "column_word"),
        learnt(n, "noise"),
        each(n, (i) => `sum += x${i} * w${i};`),
      ].join("\n        "))
  }
      } else {
        ${
    rows("u.inputs", "ENCODER_SLICES", (n) =>
      [
        at(n, "encoder", "ENCODER_SLICES"),
        each(n, (i) => `sum += state[next + row${i}] * w${i};`),
      ].join("\n        "))
  }
      }
    }
    put(sum, tid);
    workgroupBarrier();
    gather_lanes(place.hidden + u.local * H, quad, ENCODER_WIDTH, ENCODER_SLICES, tid);
    barrier();
  }
}

/** Pass 3, decoder: out = W2 [h; bias]. A round is ${ROWS} rows of each slice; what a row's lanes add is gathered. */
fn decode(u: Unit, bias: f32, out: u32, tid: u32) {
  let width = DECODER_WIDTH;
  let q = tid % width;
  let slice = tid / width;
  for (var begin = 0u; begin < u.outputs; begin += ${ROWS}u * DECODER_SLICES) {
    var part = vec4f();
    if (slice < DECODER_SLICES) {
      for (var quad = q; quad < DECODER_QUADS; quad += width) {
        let h = lanes_of(place.hidden + u.local * H, quad, bias);
        ${
    each(ROWS, (i) =>
      `let row${i} = begin + ${i}u * DECODER_SLICES + slice;
        if (row${i} < u.outputs) {
          part[${i}] += dot(load(u.decoder + row${i} * DECODER_QUADS + quad), h);
        }`)
  }
      }
    }
    put(part, tid);
    workgroupBarrier();
    for (var row = tid; row < ${ROWS}u * DECODER_SLICES; row += WORKGROUP) {
      if (begin + row < u.outputs) {
        let first = row / DECODER_SLICES * WORKGROUP + row % DECODER_SLICES * width;
        var sum = 0.0;
        var lane = 0u;
        for (; lane + ${LANES - 1}u < width; lane += ${LANES}u) {
          ${each(LANES, (i) => `sum += many[first + lane + ${i}u];`)}
        }
        for (; lane < width; lane++) {
          sum += many[first + lane];
        }
        state[out + begin + row] = sum;
      }
    }
    barrier();
  }
}
`;
}
