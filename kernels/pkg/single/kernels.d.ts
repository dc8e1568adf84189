/* tslint:disable */
/* eslint-disable */

/**
 * `bytes` of zeroed memory for good, or 0 when the memory is too small.
 */
export function allocate(bytes: number): number;

/**
 * Bytes of a model record: JavaScript checks that it writes as many.
 */
export function model_size(): number;

/**
 * See `motion::motion_candidate`.
 */
export function motion_candidate(frame: number, last: number, width: number, height: number, radius: number, into: number, scratch: number): void;

/**
 * See `motion::planes_bytes`.
 */
export function motion_planes_bytes(width: number, height: number, radius: number): number;

/**
 * See `motion::scratch_bytes`.
 */
export function motion_scratch_bytes(width: number, height: number, radius: number): number;

/**
 * See `motion::split`.
 */
export function motion_split(frame: number, width: number, height: number, radius: number, planes: number): void;

/**
 * Rule 2016: predicts once before the first frame. The result is published to the space of the first step.
 */
export function start(model: number, scratch: number, units: number): void;

/**
 * See `sweep::read`.
 */
export function sweep_read(at: number, length: number): number;

/**
 * See `sweep::update`.
 */
export function sweep_update(at: number, length: number, factor: number): void;

/**
 * Bytes of a unit record.
 */
export function unit_size(): number;

/**
 * This thread's share of a step; see `model::work`.
 */
export function work(model: number, scratch: number): void;

/**
 * Bytes to values in [0, 1].
 */
export function write_frame(bytes: number, values: number, length: number): void;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly allocate: (a: number) => number;
    readonly model_size: () => number;
    readonly motion_candidate: (a: number, b: number, c: number, d: number, e: number, f: number, g: number) => void;
    readonly motion_planes_bytes: (a: number, b: number, c: number) => number;
    readonly motion_scratch_bytes: (a: number, b: number, c: number) => number;
    readonly motion_split: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly start: (a: number, b: number, c: number) => void;
    readonly sweep_read: (a: number, b: number) => number;
    readonly sweep_update: (a: number, b: number, c: number) => void;
    readonly unit_size: () => number;
    readonly work: (a: number, b: number) => void;
    readonly write_frame: (a: number, b: number, c: number) => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path?: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
