import { assert, assertAlmostEquals, assertEquals } from "../std_assert.ts";
import type { Meter, Work } from "./meter.ts";
import { openRapl } from "./rapl.ts";

const WORK: Work = { macs: 0, bytesRead: 0, bytesWritten: 0, weightBytes: 0 };

/** A powercap folder that lasts as long as the test. */
class Tree implements Disposable {
  readonly root: string = Deno.makeTempDirSync();
  domain(folder: string, name: string, energy: number | string, range = 1_000_000): void {
    Deno.mkdirSync(`${this.root}/${folder}`, { recursive: true });
    Deno.writeTextFileSync(`${this.root}/${folder}/name`, `${name}\n`);
    Deno.writeTextFileSync(`${this.root}/${folder}/max_energy_range_uj`, `${range}\n`);
    this.energy(folder, energy);
  }
  energy(folder: string, energy: number | string): void {
    Deno.writeTextFileSync(`${this.root}/${folder}/energy_uj`, `${energy}\n`);
  }
  async meter(): Promise<Meter> {
    const opened = await openRapl(this);
    if ("unavailable" in opened) throw new Error(opened.unavailable);
    await opened.meter.start();
    return opened.meter;
  }
  async refusal(): Promise<string> {
    const opened = await openRapl(this);
    return "unavailable" in opened ? opened.unavailable : "";
  }
  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

Deno.test("openRapl() measures joules between two laps", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 100);
  const meter = await tree.meter();
  tree.energy("intel-rapl:0", 250_100);
  const energy = await meter.lap(WORK);
  assertEquals(energy?.joules, 0.25);
  assertEquals([energy?.low, energy?.high, energy?.method], [0.25, 0.25, "measured"]);
  assertEquals((await meter.lap(WORK))?.joules, 0, "the next window begins at the last reading");
});

Deno.test("openRapl() sees a counter that wraps", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 900_000);
  const meter = await tree.meter();
  tree.energy("intel-rapl:0", 100_000);
  assertAlmostEquals((await meter.lap(WORK))!.joules, 0.2, 1e-12);
});

Deno.test("openRapl() adds packages, each with its own wrap", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 900_000);
  tree.domain("intel-rapl:1", "package-1", 0, 5_000_000);
  const meter = await tree.meter();
  tree.energy("intel-rapl:0", 0);
  tree.energy("intel-rapl:1", 3_000_000);
  assertAlmostEquals((await meter.lap(WORK))!.joules, 3.1, 1e-12);
  assertEquals(meter.source, "RAPL package-0 + package-1");
});

Deno.test("openRapl() leaves out what a package contains already", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 0);
  tree.domain("intel-rapl:0:0", "core", 0);
  tree.domain("intel-rapl-mmio:0", "package-0", 0);
  const meter = await tree.meter();
  for (const folder of ["intel-rapl:0", "intel-rapl:0:0", "intel-rapl-mmio:0"]) {
    tree.energy(folder, 500_000);
  }
  assertEquals((await meter.lap(WORK))?.joules, 0.5);
});

Deno.test("openRapl() takes psys alone where it counts", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 7);
  tree.domain("intel-rapl:1", "psys", 7);
  const meter = await tree.meter();
  tree.energy("intel-rapl:0", 300_007);
  tree.energy("intel-rapl:1", 800_007);
  assertEquals((await meter.lap(WORK))?.joules, 0.8);
});

Deno.test("openRapl() takes the packages where psys stays at zero", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 7);
  tree.domain("intel-rapl:1", "psys", 0);
  assertEquals((await tree.meter()).source, "RAPL package-0");
});

Deno.test("openRapl() says that there is no counter", async () => {
  using tree = new Tree();
  assert((await tree.refusal()).startsWith("There is no RAPL counter"));
});

Deno.test("openRapl() refuses a counter that is no number", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", "busy");
  assert((await tree.refusal()).includes(`gave "busy", which is no count`));
});

Deno.test("lap() of a vanished sensor is null, and so is the window that begins without it", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 1);
  tree.domain("intel-rapl:1", "package-1", 1);
  const meter = await tree.meter();
  Deno.removeSync(`${tree.root}/intel-rapl:1/energy_uj`);
  assertEquals(await meter.lap(WORK), null);
  assert(meter.trouble?.includes("is gone"), `${meter.trouble}`);
  tree.energy("intel-rapl:1", 1);
  assertEquals(await meter.lap(WORK), null);
  assert(meter.trouble?.startsWith("The window began without"), `${meter.trouble}`);
  assertEquals((await meter.lap(WORK))?.joules, 0);
  assertEquals(meter.trouble, null);
});

Deno.test("lap() is null when a counter goes back by more than its range", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 900, 100);
  const meter = await tree.meter();
  tree.energy("intel-rapl:0", 0);
  assertEquals(await meter.lap(WORK), null);
  assert(meter.trouble?.includes("went back"), `${meter.trouble}`);
});

/** What openRapl says in a process of its own, with its own permissions or user. */
async function inChild(
  root: string,
  permissions: string[],
  user: { uid?: number } = {},
): Promise<string> {
  // The program and its code may lie where only root may look; the tree's folder is open to all.
  const module = `${root}/rapl.ts`;
  for (const name of ["rapl.ts", "sysfs.ts", "meter.ts"]) {
    Deno.copyFileSync(new URL(name, import.meta.url), `${root}/${name}`);
  }
  const program = `${root}/deno-program`;
  Deno.copyFileSync(Deno.execPath(), program);
  const code = `import { openRapl } from "file://${module}";
    const opened = await openRapl({ root: ${JSON.stringify(root)} });
    if ("meter" in opened) {
      await opened.meter.start();
      console.log(JSON.stringify(await opened.meter.lap({})));
    } else console.log(opened.unavailable);`;
  const child = new Deno.Command(program, {
    args: ["run", "--quiet", "--no-config", "--no-check", ...permissions, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { DENO_DIR: `${root}/deno` },
    ...user,
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout).trim() + decoder.decode(stderr).trim();
}

Deno.test("openRapl() reads through cat where Deno may only run it", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 5);
  tree.domain("intel-rapl:1", "package-1", 5);
  const said = await inChild(tree.root, ["--allow-run=cat"]);
  assertEquals(JSON.parse(said).joules, 0);
});

Deno.test("openRapl() names the permission it lacks and does not ask for it", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 5);
  assert((await inChild(tree.root, [])).includes("run with --allow-all, or with --allow-run=cat"));
});

Deno.test("openRapl() says that only root may read the counters", async () => {
  using tree = new Tree();
  tree.domain("intel-rapl:0", "package-0", 5);
  Deno.chmodSync(`${tree.root}/intel-rapl:0/energy_uj`, 0o000);
  Deno.chmodSync(tree.root, 0o777);
  // Nothing is forbidden to root, so a test run by root becomes nobody.
  const user = Deno.uid() === 0 ? { uid: 65534 } : {};
  for (const permission of ["--allow-all", "--allow-run=cat"]) {
    const said = await inChild(tree.root, [permission], user);
    assert(said.startsWith("Only root may read"), said);
  }
});
