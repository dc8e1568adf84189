import { assert, assertEquals, assertRejects } from "../std_assert.ts";
import { encodeCheckpoint, type StoredCheckpoint } from "../model/checkpoint_file.ts";
import {
  CheckpointError,
  claimCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from "./checkpoint_store.ts";

const stored = (step: number): StoredCheckpoint => ({
  spec: { rule: "saccade" },
  checkpoint: {
    step,
    learned: 0,
    started: true,
    tensors: { x: new Float32Array(1000).fill(step) },
  },
  sourceFrames: step,
});

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const names = (folder: string) => [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

Deno.test("saveCheckpoint() replaces the file and leaves nothing else", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    for (const step of [1, 2]) await saveCheckpoint(path, await encodeCheckpoint(stored(step)));
    assertEquals(await loadCheckpoint(path), stored(2));
    assertEquals(names(folder), ["a.safetensors"]);
  }));

Deno.test("saveCheckpoint() keeps the last good file when the disk is full", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await saveCheckpoint(path, await encodeCheckpoint(stored(1)));
    // /dev/full takes the name of the temporary: every write to it fails as on a full disk.
    await Deno.symlink("/dev/full", `${path}.${Deno.pid}.tmp`);
    await assertRejects(
      async () => await saveCheckpoint(path, await encodeCheckpoint(stored(2))),
      CheckpointError,
      "No space left",
    );
    assertEquals(await loadCheckpoint(path), stored(1));
    assertEquals(names(folder), ["a.safetensors"]);
  }));

Deno.test("saveCheckpoint() follows a link and refuses what is no file", () =>
  inFolder(async (folder) => {
    await saveCheckpoint(`${folder}/real`, await encodeCheckpoint(stored(1)));
    await Deno.symlink(`${folder}/real`, `${folder}/link`);
    await saveCheckpoint(`${folder}/link`, await encodeCheckpoint(stored(2)));
    assertEquals(await loadCheckpoint(`${folder}/real`), stored(2));
    assert((await Deno.lstat(`${folder}/link`)).isSymlink);
    for (
      const [path, reason] of [["/dev/null", "no regular file"], [folder, "a folder"]] as const
    ) {
      await assertRejects(() => saveCheckpoint(path, []), CheckpointError, reason);
    }
  }));

Deno.test("saveCheckpoint() says that a folder is missing", async () => {
  await assertRejects(
    () => saveCheckpoint("/nonexistent/a.safetensors", []),
    CheckpointError,
    "there is no such folder",
  );
});

Deno.test("loadCheckpoint() refuses every truncation and every flipped bit", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await saveCheckpoint(path, await encodeCheckpoint(stored(1)));
    const bytes = await Deno.readFile(path);
    const refused = async (damaged: Uint8Array) => {
      await Deno.writeFile(path, damaged);
      await assertRejects(() => loadCheckpoint(path), CheckpointError, "Cannot resume from");
    };
    for (const length of [0, 4, 8, 100, bytes.length - 1]) await refused(bytes.subarray(0, length));
    for (let at = 0; at < bytes.length; at += 37) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      await refused(damaged);
    }
  }));

Deno.test("claimCheckpoint() refuses a second run until the first has ended", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    {
      await using _claim = await claimCheckpoint(path);
      await assertRejects(() => claimCheckpoint(path), CheckpointError, "Another run");
    }
    await using _again = await claimCheckpoint(path);
    assert(names(folder).includes("a.safetensors.lock"));
  }));

Deno.test("claimCheckpoint() is not deceived by a run that ends between its opening and its locking", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const { open } = Deno;
    Deno.open = async (file, options) => {
      Deno.open = open;
      const opened = await open(file, options);
      await Deno.remove(file);
      return opened;
    };
    await using _claim = await claimCheckpoint(path);
    // Held is the file that others find, not one without a name.
    await assertRejects(() => claimCheckpoint(path), CheckpointError, "Another run");
  }));

Deno.test("claimCheckpoint() removes what a dead run left behind, and nothing else", () =>
  inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    for (const name of ["a.safetensors.123.tmp", "b.safetensors.123.tmp", "a.safetensors"]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    {
      await using _claim = await claimCheckpoint(path);
    }
    assertEquals(names(folder), ["a.safetensors", "b.safetensors.123.tmp"]);
  }));

Deno.test("equal states are equal bytes", async () => {
  const bytes = async () => await new Blob(await encodeCheckpoint(stored(3))).bytes();
  assertEquals(await bytes(), await bytes());
});
