import { assertEquals, assertRejects } from "../../std_assert.ts";
import { needing } from "../../tests/needs.ts";
import { environment } from "./environment.ts";
import { installNumpy } from "./install.ts";
import { Peer, PeerError } from "./peer.ts";

Deno.test("installNumpy() says what to do where there is no python", async () => {
  const folder = await Deno.makeTempDir();
  await assertRejects(
    () => installNumpy({ python: "no-such-python", folder }),
    PeerError,
    "no-such-python is not installed (apt-get install python3-venv)",
  );
  await Deno.remove(folder, { recursive: true });
});

await needing(["python"], "environment() says what pip cannot install", async () => {
  const folder = await Deno.makeTempDir();
  const set = Deno.env.get("PIP_NO_INDEX");
  // As without a network, and sooner.
  Deno.env.set("PIP_NO_INDEX", "1");
  const name = "The small ConvNet";
  const packages = ["torch==0.0.1", "numpy==2.4.6"] as const;
  await assertRejects(
    () => environment({ name, packages, needs: "the network", folder }),
    PeerError,
    "The small ConvNet is left out: pip cannot install torch 0.0.1 and numpy 2.4.6, which needs the network: ",
  ).finally(() => {
    if (set === undefined) Deno.env.delete("PIP_NO_INDEX");
    else Deno.env.set("PIP_NO_INDEX", set);
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Peer.start() says with what a program has ended that does not speak", async () => {
  const command = [Deno.execPath(), "eval", "Deno.exit(7)"] as const;
  await assertRejects(
    () => Peer.start({ name: "mute", threads: 1, command }),
    PeerError,
    "mute did not start: it ended with 7",
  );
});

Deno.test("a peer says its version, answers, and ends when it is closed", async () => {
  const protocol = new URL("./protocol.ts", import.meta.url).href;
  const code = `import { answer } from ${JSON.stringify(protocol)};
    let steps = 0;
    const save = (path) => Deno.writeTextFileSync(path, String(steps));
    await answer("1.2.3", { step: () => steps++, mse: () => [steps], save });`;
  const to = await Deno.makeTempFile();
  const command = [Deno.execPath(), "eval", code] as const;
  {
    await using peer = await Peer.start({ name: "counter", threads: 1, command });
    assertEquals(peer.version, "1.2.3");
    assertEquals(await peer.verify(3, to), { mse: [[1], [2], [3]] });
    assertEquals(await Deno.readTextFile(to), "3");
    assertEquals((await peer.time(0)).steps, 3);
  }
  await Deno.remove(to);
});
