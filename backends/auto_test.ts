import { builtinSpec } from "../model/builtin.ts";
import { compilePlan } from "../model/compile.ts";
import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { type Candidate, CANDIDATES, isGpu, openFirst } from "./auto.ts";
import type { Backend, DeviceInfo } from "./backend.ts";
import { BackendError } from "./errors.ts";
import { backend as none } from "./null/backend.ts";

const plan = compilePlan(builtinSpec("tiny", { fields: { motion: 0 } }));
const [INFO] = await none.probe();

/** A candidate with these devices, that takes models or says why not; it counts those that are open. */
function candidate(
  name: string,
  infos: readonly Partial<DeviceInfo>[],
  reasons: readonly string[] = [],
  count: { open: number } = { open: 0 },
): Candidate {
  const backend: Backend = {
    ...none,
    name,
    probe: () => Promise.resolve(infos.map((info, i) => ({ ...INFO!, id: `${i}`, ...info }))),
    async open(id) {
      const device = await none.open("0");
      count.open++;
      return {
        info: { ...INFO!, id },
        lost: device.lost,
        load: (plan, checkpoint) => device.load(plan, checkpoint),
        accepts: () => ({ ok: reasons.length === 0, reasons }),
        async [Symbol.asyncDispose]() {
          count.open--;
          await device[Symbol.asyncDispose]();
        },
      };
    },
  };
  return { name, find: () => Promise.resolve(backend) };
}

Deno.test("openFirst() takes the first that takes the model, says why, and leaves nothing else open", async () => {
  const [refusing, taking] = [{ open: 0 }, { open: 0 }];
  const broken: Candidate = { name: "broken", find: () => Promise.reject(new Error("no driver")) };
  const { name, device, why } = await openFirst(plan, {}, [
    broken,
    candidate("absent", []),
    { ...candidate("played", [{ kind: "gpu", description: "llvmpipe (LLVM 19)" }]), gpu: true },
    candidate("small", [{}, {}], ["It needs 3 GiB"], refusing),
    candidate("good", [{ id: "7", description: "fast" }], [], taking),
    candidate("late", [{}]),
  ]);
  assertEquals([name, device.info.id, refusing.open, taking.open], ["good", "7", 0, 1]);
  assertEquals(
    why,
    "auto takes good:7 (fast), the first that takes this model; not broken: no driver; " +
      "not absent: no device here; not played: no real GPU here; not small: It needs 3 GiB",
  );
  await device[Symbol.asyncDispose]();
});

Deno.test("openFirst() that finds none gives the reasons of all", async () => {
  await assertRejects(
    () => openFirst(plan, {}, [candidate("a", []), candidate("b", [{}], ["It is too large"])]),
    BackendError,
    "No backend takes this model; not a: no device here; not b: It is too large",
  );
});

Deno.test("isGpu() knows processors that play one", () => {
  const info = (kind: DeviceInfo["kind"], description: string) => ({ ...INFO!, kind, description });
  assert(isGpu(info("gpu", "NVIDIA H200, WebGPU")));
  assert(!isGpu(info("cpu", "NVIDIA H200, WebGPU")));
  for (
    const played of ["llvmpipe (LLVM 15)", "Google SwiftShader", "Microsoft Basic Render Driver"]
  ) {
    assert(!isGpu(info("gpu", played)), played);
  }
});

Deno.test("the order ends with the kernels and the reference, and the null backend is not in it", () => {
  assertEquals(CANDIDATES.map(({ name }) => name).slice(-2), ["wasm", "reference"]);
  assert(!CANDIDATES.some(({ name }) => name === "null"));
});
