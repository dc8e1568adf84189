import v8 from "node:v8";
import vm from "node:vm";
import { builtinSpec } from "../../model/builtin.ts";
import { compilePlan } from "../../model/compile.ts";
import { assertEquals } from "../../std_assert.ts";
import { type OrtModule, PublicExecutor } from "./public_executor.ts";
import { buildStep } from "./step_graph.ts";

/** What is used of onnxruntime-web, with a device that is lost when it is told. */
function fakeOrt(lost: Promise<{ message: string }>): OrtModule {
  return {
    env: { wasm: {}, webgpu: { device: { lost } } },
    InferenceSession: {
      create: () =>
        Promise.resolve({
          run: () => Promise.resolve({}),
          release: () => Promise.resolve(),
        }),
    },
    Tensor: class {
      readonly location = "cpu";
      constructor(_: string, readonly data: Float32Array | BigInt64Array) {}
      getData = () => Promise.resolve(new Float32Array());
      dispose() {}
    } as unknown as OrtModule["Tensor"],
  };
}

function open(ort: OrtModule): Promise<PublicExecutor> {
  const step = buildStep(compilePlan(builtinSpec("tiny", { fields: { motion: 0 } })));
  const counts = { step: 0, learned: 0 };
  const beginning = { step, model: new Uint8Array(), counts, fill: () => {} };
  return PublicExecutor.open(beginning, ort, "webgpu");
}

/** The next task: all promises have settled. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

function collect(): void {
  v8.setFlagsFromString("--expose-gc");
  (vm.runInNewContext("gc") as () => void)();
}

Deno.test("the device does not hold sessions that are closed", async () => {
  const { promise } = Promise.withResolvers<{ message: string }>();
  const ort = fakeOrt(promise);
  const closed: WeakRef<PublicExecutor>[] = [];
  for (let i = 0; i < 5; i++) {
    const executor = await open(ort);
    closed.push(new WeakRef(executor));
    await executor[Symbol.asyncDispose]();
  }
  // A reference lasts to the end of the task it was made in.
  await turn();
  collect();
  // What was closed last may still be on the stack.
  assertEquals(closed.slice(0, -1).map((executor) => executor.deref()), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("that the runtime gives its device back is no loss to a session that is closed", async () => {
  const { promise, resolve } = Promise.withResolvers<{ message: string }>();
  const executor = await open(fakeOrt(promise));
  await executor[Symbol.asyncDispose]();
  resolve({ message: "given back" });
  await promise;
  assertEquals(await Promise.race([executor.lost, turn().then(() => "nothing")]), "nothing");
});

Deno.test("sessions that are open hear that the device is gone", async () => {
  const { promise, resolve } = Promise.withResolvers<{ message: string }>();
  const ort = fakeOrt(promise);
  const [one, other] = [await open(ort), await open(ort)];
  resolve({ message: "unplugged" });
  assertEquals(await Promise.all([one.lost, other.lost]), [
    "The GPU is gone: unplugged",
    "The GPU is gone: unplugged",
  ]);
});
