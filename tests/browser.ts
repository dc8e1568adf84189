/** A page in headless Chromium, with its GPU in software. */
import { assert } from "../std_assert.ts";
import { Folder } from "./program.ts";

const DEADLINE_S = 180;

/**
 * The program of a page as one file.
 *
 * @param entry a module in this folder
 */
export async function bundle(entry: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", `tests/${entry}`],
    cwd: new URL("..", import.meta.url).pathname,
    env: { NO_COLOR: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/**
 * Shows a page to a browser until the page says what it found (it posts JSON to /found).
 *
 * @param script the program of the page
 * @param files a folder whose files the page may ask for as /files/NAME, where it needs some
 */
export async function browse<Found>(script: string, files?: string): Promise<Found> {
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
      const [, name] = pathname.match(/^\/files\/([\w.-]+)$/) ?? [];
      if (files !== undefined && name !== undefined) {
        const type = name.endsWith(".wasm") ? "application/wasm" : "text/javascript";
        const { readable } = await Deno.open(`${files}/${name}`);
        return new Response(readable, { headers: { "content-type": type } });
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
    await rest(folder);
  }
}

/** Waits until Chromium's children, which outlive it for a moment, write to its profile no more. */
async function rest(folder: Folder): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      return await Deno.remove(folder.file("profile"), { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
