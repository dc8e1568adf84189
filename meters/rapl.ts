/**
 * Energy of Intel and AMD processors: the RAPL counters that Linux shows under `/sys/class/powercap`.
 *
 * @module
 */
import type { Energy, Meter } from "./meter.ts";
import { readSysfs } from "./sysfs.ts";

/** Where to look for the counters. */
export interface RaplOptions {
  /** The powercap folder. Default `/sys/class/powercap`. */
  readonly root?: string;
}

/** A meter, or why there is none, in one sentence. */
export type OpenedMeter = { readonly meter: Meter } | { readonly unavailable: string };

/** One counter: microjoules since some start, back to 0 after `range`. */
interface Domain {
  readonly name: string;
  readonly path: string;
  readonly range: number;
}

/**
 * Opens the RAPL counters.
 *
 * Taken are the packages, added up, or `psys` (the whole platform) alone where there is exactly one that counts. Cores, graphics and memory
 * (`intel-rapl:N:M`) are parts of a package, and `intel-rapl-mmio` is the package once more: none of them is added.
 *
 * @param options where to look
 * @returns a meter whose counters were all readable just now, or why not
 */
export async function openRapl(options: RaplOptions = {}): Promise<OpenedMeter> {
  const root = options.root ?? "/sys/class/powercap";
  try {
    const domains = await findDomains(root);
    if (domains.length === 0) {
      return { unavailable: `There is no RAPL counter of a package under ${root}` };
    }
    const platform = domains.filter((domain) => domain.name === "psys");
    // Firmware that does not fill psys leaves it at 0, and several of them may overlap.
    if (platform.length === 1 && await counts(platform)) {
      return { meter: new RaplMeter(platform, "the platform (psys)") };
    }
    const packages = domains.filter((domain) => domain.name.startsWith("package-"));
    if (packages.length === 0) {
      return { unavailable: `RAPL under ${root} counts no package` };
    }
    await read(packages);
    const scope = packages.length === 1
      ? "the processor package"
      : `${packages.length} processor packages`;
    return { meter: new RaplMeter(packages, `${scope}, everything that ran on it`) };
  } catch (error) {
    return { unavailable: reason(error, root) };
  }
}

/** Domains are numbered without gaps, so they are found without listing the folder, which `cat` cannot. */
async function findDomains(root: string): Promise<Domain[]> {
  const domains: Domain[] = [];
  for (let n = 0;; n++) {
    const path = `${root}/intel-rapl:${n}`;
    try {
      const [name, range] = await readSysfs([`${path}/name`, `${path}/max_energy_range_uj`]);
      domains.push({ name: name!, path, range: microjoules(range!, path) });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return domains;
      throw error;
    }
  }
}

async function read(domains: readonly Domain[]): Promise<number[]> {
  const texts = await readSysfs(domains.map((domain) => `${domain.path}/energy_uj`));
  return texts.map((text, i) => microjoules(text, domains[i]!.path));
}

async function counts(domains: readonly Domain[]): Promise<boolean> {
  try {
    return (await read(domains)).every((value) => value > 0);
  } catch {
    return false;
  }
}

function microjoules(text: string, path: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${path} gave "${text}", which is no count`);
  return Number(text);
}

function reason(error: unknown, root: string): string {
  if (error instanceof Deno.errors.PermissionDenied) {
    return `Only root may read the RAPL counters under ${root}: run as root, or allow it with chmod a+r on their energy_uj`;
  }
  if (error instanceof Deno.errors.NotFound) return `A RAPL counter under ${root} is gone`;
  const message = error instanceof Error ? error.message : String(error);
  return `RAPL cannot be read: ${message}`;
}

class RaplMeter implements Meter {
  readonly method = "measured";
  readonly source: string;
  readonly scope: string;
  readonly #domains: readonly Domain[];
  #last: readonly number[] | null = null;
  #trouble: string | null = null;

  constructor(domains: readonly Domain[], scope: string) {
    this.#domains = domains;
    this.source = `RAPL ${domains.map((domain) => domain.name).join(" + ")}`;
    this.scope = scope;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  async start(): Promise<void> {
    await this.#next();
  }

  async lap(): Promise<Energy | null> {
    const before = this.#last;
    const now = await this.#next();
    if (now === null) return null;
    if (before === null) {
      this.#trouble = "The window began without a reading of the RAPL counters";
      return null;
    }
    let sum = 0;
    for (const [i, domain] of this.#domains.entries()) {
      let spent = now[i]! - before[i]!;
      // One wrap is seen; two in a window are not (the shortest range, 65 kJ, lasts minutes at 200 W).
      if (spent < 0) spent += domain.range;
      if (spent < 0) {
        this.#trouble = `The RAPL counter of ${domain.name} went back by more than its range`;
        return null;
      }
      sum += spent;
    }
    const joules = sum / 1e6;
    const { method, source, scope } = this;
    return { method, source, scope, joules, low: joules, high: joules };
  }

  /** A window that one counter missed is lost whole: a part of the packages is not their sum. */
  async #next(): Promise<readonly number[] | null> {
    try {
      this.#last = await read(this.#domains);
      this.#trouble = null;
    } catch (error) {
      this.#last = null;
      this.#trouble = reason(error, this.#domains[0]!.path);
    }
    return this.#last;
  }
}
