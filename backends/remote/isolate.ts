/**
 * Backends by their specifiers, somewhere else: in a process of their own or in a worker.
 *
 * @module
 */
import type { Backend, Device } from "../backend.ts";
import type { BackendOptions } from "../registry.ts";
import type { Channel } from "./channel.ts";
import { processChannel } from "./process.ts";
import { remoteBackend } from "./remote.ts";
import { workerChannel } from "./worker.ts";

/**
 * A backend in a process of its own, with the permissions of this one: one that crashes is a device that is lost. Each device has its
 * own process, so that one which is opened anew is whole again.
 *
 * @param specifier as for `findBackend`
 * @param options for the built-in backends
 * @returns the backend; its steps are promises
 * @throws {BackendError} as `findBackend`
 * @throws {DeviceLostError} when the process ends before it has said who it is
 * @throws {Deno.errors.NotCapable} without permission to run Deno
 *
 * @example
 * ```ts ignore
 * const backend = await inProcess("native:./libmine.so");
 * ```
 */
export function inProcess(specifier: string, options: BackendOptions = {}): Promise<Backend> {
  return elsewhere(() => processChannel({ specifier, options }));
}

/**
 * A backend in a worker: the thread that calls it is never blocked by a step. Each device has its own worker.
 *
 * @param specifier as for `findBackend`
 * @param options for the built-in backends
 * @returns the backend; its steps are promises
 * @throws {BackendError} as `findBackend`
 *
 * @example
 * ```ts ignore
 * const backend = await inWorker("reference");
 * ```
 */
export function inWorker(specifier: string, options: BackendOptions = {}): Promise<Backend> {
  return elsewhere(() => workerChannel({ specifier, options }));
}

/** A backend that is reached anew for each device. */
async function elsewhere(connect: () => Channel): Promise<Backend> {
  const visit = async <T>(call: (backend: Backend) => T | Promise<T>): Promise<T> => {
    const channel = connect();
    try {
      return await call(await remoteBackend(channel));
    } finally {
      await channel.close();
    }
  };
  const { apiVersion, name, infos } = await visit(async (backend) => ({
    apiVersion: backend.apiVersion,
    name: backend.name,
    infos: await backend.probe(),
  }));
  return {
    apiVersion,
    name,
    probe: () => Promise.resolve(infos),
    async open(id) {
      const channel = connect();
      try {
        return closing(await (await remoteBackend(channel)).open(id), channel);
      } catch (error) {
        await channel.close();
        throw error;
      }
    },
  };
}

/** A device that closes its channel when it is disposed of. */
function closing(device: Device, channel: Channel): Device {
  const dispose = device[Symbol.asyncDispose].bind(device);
  device[Symbol.asyncDispose] = async () => {
    await dispose();
    await channel.close();
  };
  return device;
}
