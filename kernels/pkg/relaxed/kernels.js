/* @ts-self-types="./kernels.d.ts" */

/**
 * `bytes` of zeroed memory for good, or 0 when the memory is too small.
 * @param {number} bytes
 * @returns {number}
 */
export function allocate(bytes) {
    const ret = wasm.allocate(bytes);
    return ret >>> 0;
}

/**
 * Bytes of a model record: JavaScript checks that it writes as many.
 * @returns {number}
 */
export function model_size() {
    const ret = wasm.model_size();
    return ret >>> 0;
}

/**
 * See `motion::motion_candidate`.
 * @param {number} frame
 * @param {number} last
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 * @param {number} into
 * @param {number} scratch
 */
export function motion_candidate(frame, last, width, height, radius, into, scratch) {
    wasm.motion_candidate(frame, last, width, height, radius, into, scratch);
}

/**
 * See `motion::planes_bytes`.
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 * @returns {number}
 */
export function motion_planes_bytes(width, height, radius) {
    const ret = wasm.motion_planes_bytes(width, height, radius);
    return ret >>> 0;
}

/**
 * See `motion::scratch_bytes`.
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 * @returns {number}
 */
export function motion_scratch_bytes(width, height, radius) {
    const ret = wasm.motion_scratch_bytes(width, height, radius);
    return ret >>> 0;
}

/**
 * See `motion::split`.
 * @param {number} frame
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 * @param {number} planes
 */
export function motion_split(frame, width, height, radius, planes) {
    wasm.motion_split(frame, width, height, radius, planes);
}

/**
 * Rule 2016: predicts once before the first frame. The result is published to the space of the first step.
 * @param {number} model
 * @param {number} scratch
 * @param {number} units
 */
export function start(model, scratch, units) {
    wasm.start(model, scratch, units);
}

/**
 * See `sweep::read`.
 * @param {number} at
 * @param {number} length
 * @returns {number}
 */
export function sweep_read(at, length) {
    const ret = wasm.sweep_read(at, length);
    return ret;
}

/**
 * See `sweep::update`.
 * @param {number} at
 * @param {number} length
 * @param {number} factor
 */
export function sweep_update(at, length, factor) {
    wasm.sweep_update(at, length, factor);
}

/**
 * Bytes of a unit record.
 * @returns {number}
 */
export function unit_size() {
    const ret = wasm.unit_size();
    return ret >>> 0;
}

/**
 * This thread's share of a step; see `model::work`.
 * @param {number} model
 * @param {number} scratch
 */
export function work(model, scratch) {
    wasm.work(model, scratch);
}

/**
 * Bytes to values in [0, 1].
 * @param {number} bytes
 * @param {number} values
 * @param {number} length
 */
export function write_frame(bytes, values, length) {
    wasm.write_frame(bytes, values, length);
}
function __wbg_get_imports(memory) {
    const import0 = {
        __proto__: null,
        memory: memory || new WebAssembly.Memory({initial:18,maximum:65536,shared:true}),
    };
    return {
        __proto__: null,
        "./kernels_bg.js": import0,
    };
}

let wasmModule, wasmInstance, wasm;
function __wbg_finalize_init(instance, module, thread_stack_size) {
    wasmInstance = instance;
    wasm = instance.exports;
    wasmModule = module;
    if (typeof thread_stack_size !== 'undefined' && (typeof thread_stack_size !== 'number' || thread_stack_size === 0 || thread_stack_size % 65536 !== 0)) {
        throw new Error('invalid stack size');
    }

    wasm.__wbindgen_start(thread_stack_size);
    return wasm;
}

async function __wbg_load(module, imports) {
    if (typeof Response === 'function' && module instanceof Response) {
        if (!module.ok) {
            throw new Error(`failed to fetch Wasm: ${module.status} ${module.statusText} fetching '${module.url}'`);
        }

        if (typeof WebAssembly.instantiateStreaming === 'function') {
            try {
                return await WebAssembly.instantiateStreaming(module, imports);
            } catch (e) {
                const validResponse = expectedResponseType(module.type);

                if (validResponse && module.headers.get('Content-Type') !== 'application/wasm') {
                    console.warn("`WebAssembly.instantiateStreaming` failed because your server does not serve Wasm with `application/wasm` MIME type. Falling back to `WebAssembly.instantiate` which is slower. Original error:\n", e);

                } else { throw e; }
            }
        }

        const bytes = await module.arrayBuffer();
        return await WebAssembly.instantiate(bytes, imports);
    } else {
        const instance = await WebAssembly.instantiate(module, imports);

        if (instance instanceof WebAssembly.Instance) {
            return { instance, module };
        } else {
            return instance;
        }
    }

    function expectedResponseType(type) {
        switch (type) {
            case 'basic': case 'cors': case 'default': return true;
        }
        return false;
    }
}

function initSync(module, memory) {
    if (wasm !== undefined) return wasm;

    let thread_stack_size
    if (module !== undefined) {
        if (Object.getPrototypeOf(module) === Object.prototype) {
            ({module, memory, thread_stack_size} = module)
        } else {
            console.warn('using deprecated parameters for `initSync()`; pass a single object instead')
        }
    }

    const imports = __wbg_get_imports(memory);
    if (!(module instanceof WebAssembly.Module)) {
        module = new WebAssembly.Module(module);
    }
    const instance = new WebAssembly.Instance(module, imports);
    return __wbg_finalize_init(instance, module, thread_stack_size);
}

async function __wbg_init(module_or_path, memory) {
    if (wasm !== undefined) return wasm;

    let thread_stack_size
    if (module_or_path !== undefined) {
        if (Object.getPrototypeOf(module_or_path) === Object.prototype) {
            ({module_or_path, memory, thread_stack_size} = module_or_path)
        } else {
            console.warn('using deprecated parameters for the initialization function; pass a single object instead')
        }
    }

    if (module_or_path === undefined) {
        module_or_path = new URL('kernels_bg.wasm', import.meta.url);
    }
    const imports = __wbg_get_imports(memory);

    if (typeof module_or_path === 'string' || (typeof Request === 'function' && module_or_path instanceof Request) || (typeof URL === 'function' && module_or_path instanceof URL)) {
        module_or_path = fetch(module_or_path);
    }

    const { instance, module } = await __wbg_load(await module_or_path, imports);

    return __wbg_finalize_init(instance, module, thread_stack_size);
}

export { initSync, __wbg_init as default };
