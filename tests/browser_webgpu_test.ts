/** The same WGSL in Chromium, on its GPU in software. */
import { assert, assertEquals } from "../std_assert.ts";
import type { Found } from "./browser_webgpu.ts";
import { needing } from "./needs.ts";
import { Folder } from "./program.ts";

const DEADLINE_S = 180;

/** The page's program as one file. */
async function bundle(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "tests/browser_webgpu.ts"],
    cwd: new URL("..", import.meta.url).pathname,
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Shows a page to a browser until the page says what it found. */
async function browse(script: string): Promise<Found> {
  await using folder = new Folder();
  const { promise, resolve, reject } = Promise.withResolvers<Found>();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/found") {
        resolve(await request.json());
        return new Response();
      }
      return pathname === "/page.js"
        ? new Response(script, { headers: { "content-type": "text/javascript" } })
        : new Response('<!doctype html><script type="module" src="/page.js"></script>', {
          headers: { "content-type": "text/html" },
        });
    },
  );
  const browser = new Deno.Command("chromium", {
    args: [
      "--headless=new",
      "--no-sandbox",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      `--user-data-dir=${folder.file("profile")}`,
      `http://127.0.0.1:${server.addr.port}/`,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(
    () => reject(new Error(`The page said nothing within ${DEADLINE_S} s`)),
    1000 * DEADLINE_S,
  );
  browser.status.then(({ code }) => reject(new Error(`Chromium ended with code ${code}`)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    try {
      browser.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await browser.status;
  }
}

await needing(["chromium"], "in Chromium WebGPU agrees with the reference", async () => {
  const { adapter, models, error } = await browse(await bundle());
  assertEquals(error, undefined);
  assert(/swiftshader/i.test(adapter), adapter);
  assertEquals(Object.keys(models).length, 4);
  for (const [name, { worst, steps }] of Object.entries(models)) {
    // Small m / s amplifies rounding (learning-rule, Tolerances).
    const limit = name === "saccade" ? 5e-5 : name.startsWith("f16") ? 0 : 1e-5;
    assert(worst <= limit, `${name}: after ${steps} steps ${worst} is more than ${limit}`);
  }
});
