import { openScene } from "../../sources/synthetic.ts";
import { assert, assertEquals, assertRejects } from "../../std_assert.ts";
import { needing } from "../../tests/needs.ts";
import { convNetSkills, convNetSpeed } from "./conv_net.ts";
import type { FramesOptions } from "./frame_peer.ts";
import { flowSkills } from "./optical_flow.ts";
import { PeerError } from "./peer.ts";

const size = { width: 20, height: 20 };

/** Gives frames of the scene to a test, and a folder. */
async function withFrames(test: (frames: FramesOptions) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await using source = openScene({ size, seed: 1, frames: 120 });
    await test({ source, size, learned: 90, folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await needing(["torch"], "the ConvNet learns from frames that go by once", async () => {
  await withFrames(async (frames) => {
    const skills = await convNetSkills(frames);
    assertEquals(Object.keys(skills), ["1e-4", "3e-4", "1e-3", "3e-3"]);
    for (const seeds of Object.values(skills)) assertEquals(seeds.length, 3);
    // Its last layer starts at 0, so it starts as copying does; what it learns in 90 frames is the difference.
    const [slow, fast] = ["1e-4", "3e-3"].map((rate) => skills[rate]![0]![0]!);
    assert(Math.abs(slow!) < 0.15, `almost no learning gave ${slow}`);
    assert(fast! > slow! + 0.05, `learning gave ${fast}, almost none ${slow}`);
  });
});

await needing(
  ["torch"],
  "convNetSpeed() counts the weights and the work of four layers",
  async () => {
    const { weights, macs, framesPerSecond } = await convNetSpeed(8);
    // 6, 32, 32, 32 and 3 channels, 3 x 3 places, and a number for each output.
    const kernels = 9 * (6 * 32 + 32 * 32 + 32 * 32 + 32 * 3);
    assertEquals(weights, kernels + 32 + 32 + 32 + 3);
    assertEquals(macs, [64 * kernels, 64 * (3 * kernels - 9 * 6 * 32)]);
    assert(framesPerSecond[1]! > 0 && framesPerSecond[2]! > 0);
  },
);

await needing(["opencv"], "optical flow has a skill for each of its variants", async () => {
  await withFrames(async (frames) => {
    const skills = await flowSkills(frames);
    assertEquals(Object.keys(skills).length, 8);
    for (const [name, [first]] of Object.entries(skills)) assert(first! < 1, name);
  });
});

for (
  const [name, skills] of [["The small ConvNet", convNetSkills], [
    "Optical flow",
    flowSkills,
  ]] as const
) {
  Deno.test(`${name} says what to do where there is no python`, async () => {
    const set = Deno.env.get("SACCADE_PYTHON");
    await withFrames(async (frames) => {
      Deno.env.delete("SACCADE_PYTHON");
      const where = { python: "no-such-python", folder: frames.folder };
      await assertRejects(
        () => skills(frames, where),
        PeerError,
        `${name} is left out: no-such-python is not installed (apt-get install python3-venv)`,
      );
      Deno.env.set("SACCADE_PYTHON", "no-such-python");
      await assertRejects(() => skills(frames), PeerError, `${name} is left out: `);
    }).finally(() => {
      if (set === undefined) Deno.env.delete("SACCADE_PYTHON");
      else Deno.env.set("SACCADE_PYTHON", set);
    });
  });
}
