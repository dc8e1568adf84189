/**
 * The process of a backend: answers on its standard output what it is asked on its standard input.
 *
 * @module
 */
import { deserialize, serialize } from "node:v8";
import { findBackend } from "../registry.ts";
import { sendable } from "./failures.ts";
import { decodeFrames, encodeFrame } from "./frames.ts";
import type { ProcessStart } from "./process.ts";
import type { Request } from "./protocol.ts";
import { serve } from "./serve.ts";

/** Writes all of it. */
function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** Answers until the input ends. */
async function serveAll({ specifier, options }: ProcessStart): Promise<void> {
  const closed = Promise.withResolvers<string>();
  const early: unknown[] = [];
  let hear: (message: unknown) => void = (message) => early.push(message);
  const backend = findBackend(specifier, options);
  backend.then((found) =>
    serve(found, {
      closed: closed.promise,
      send: (message) => write(encodeFrame(message)),
      listen: (listener) => {
        hear = listener;
        early.splice(0).forEach(listener);
      },
    }).then(() => Deno.exit(0)), (error) => {
    // There is nobody to answer: every question gets the reason.
    hear = (message) => write(encodeFrame({ id: (message as Request).id, error: sendable(error) }));
    early.splice(0).forEach(hear);
  });
  for await (const message of decodeFrames(Deno.stdin.readable)) hear(message);
  closed.resolve("The input ended");
  await backend.catch(() => Deno.exit(0));
}

/** Answers one question of a device. */
async function answerOne({ specifier, options }: ProcessStart): Promise<void> {
  const bytes = new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
  const { of } = deserialize(bytes) as Extract<Request, { call: "accepts" }>;
  let answer: unknown;
  try {
    await using device = await (await findBackend(specifier, options)).open(of.id);
    answer = { value: device.accepts(of.plan) };
  } catch (error) {
    answer = { error: sendable(error) };
  }
  write(serialize(answer));
}

if (import.meta.main) {
  // A terminal tells the whole family; this one ends when its input does, after the last save.
  const told = Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGHUP"] as const;
  for (const signal of told) Deno.addSignalListener(signal, () => {});
  // Whatever a plugin prints must not stand between the answers.
  console.log = console.info = console.debug = console.error;
  const [how, start] = Deno.args;
  const which = JSON.parse(start!) as ProcessStart;
  if (how === "serve") await serveAll(which);
  else await answerOne(which);
}
