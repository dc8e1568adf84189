/**
 * What a measurement was made on.
 *
 * @module
 */
import os from "node:os";

/** A machine, in words; what is not known is null. */
export interface Machine {
  readonly processor: string | null;
  /** Cores that programs see. */
  readonly cores: number;
  /** Bytes of memory. */
  readonly memory: number;
  readonly system: string;
  readonly deno: string;
  /** Programs that wanted a core in the minute before the run: of others, so it should be near 0. */
  readonly load: number;
  /** The day, YYYY-MM-DD. */
  readonly date: string;
}

/** The machine that this runs on. */
export async function thisMachine(): Promise<Machine> {
  const cpu = os.cpus()[0]?.model.trim();
  // Virtual machines hide the name of the model, its numbers they show.
  const info = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const number = (name: string) => new RegExp(`^${name}\\s*: (\\d+)$`, "m").exec(info)?.[1];
  const [family, model] = [number("cpu family"), number("model")];
  const numbers = family === undefined ? "" : ` (family ${family}, model ${model})`;
  const release = await Deno.readTextFile("/etc/os-release").catch(() => "");
  const pretty = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(release)?.[1];
  const kernel = `${Deno.build.os} ${Deno.osRelease()}, ${Deno.build.arch}`;
  return {
    processor: cpu === undefined || cpu === "" || cpu === "unknown" ? null : cpu + numbers,
    cores: navigator.hardwareConcurrency,
    memory: Deno.systemMemoryInfo().total,
    system: pretty === undefined ? kernel : `${pretty}, ${kernel}`,
    deno: Deno.version.deno,
    load: Deno.loadavg()[0]!,
    date: new Date().toISOString().slice(0, 10),
  };
}
