/* tslint:disable */
/* eslint-disable */
export const allocate: (a: number) => number;
export const model_size: () => number;
export const motion_candidate: (a: number, b: number, c: number, d: number, e: number, f: number, g: number) => void;
export const motion_planes_bytes: (a: number, b: number, c: number) => number;
export const motion_scratch_bytes: (a: number, b: number, c: number) => number;
export const motion_split: (a: number, b: number, c: number, d: number, e: number) => void;
export const start: (a: number, b: number, c: number) => void;
export const sweep_read: (a: number, b: number) => number;
export const sweep_update: (a: number, b: number, c: number) => void;
export const unit_size: () => number;
export const work: (a: number, b: number) => void;
export const write_frame: (a: number, b: number, c: number) => void;
export const __wbindgen_thread_destroy: (a?: number, b?: number, c?: number) => void;
export const __wbindgen_start: (a: number) => void;
