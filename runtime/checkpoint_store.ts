/**
 * Checkpoints on disk: a file is either the old one or the new one, whenever the power fails.
 *
 * @module
 */
import { decodeCheckpoint, type StoredCheckpoint } from "../model/checkpoint_file.ts";

/** Thrown when a checkpoint cannot be written, read or claimed. */
export class CheckpointError extends Error {
  /** @ignore */
  override name = "CheckpointError";
}

/** What lies before the file's name: the folder, with its slash. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1) || "./";
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such folder or file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  const { message } = error as Error;
  return message.replace(/\s*\(os error \d+\).*/s, "").split("\n")[0]!;
}

/**
 * Writes a checkpoint: to a temporary file beside it, synced, renamed, the folder synced.
 *
 * @param path where the checkpoint is to be
 * @param parts the encoded checkpoint
 * @throws {CheckpointError} when it cannot be written; the old one is still there then
 */
export async function saveCheckpoint(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  try {
    using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
    for (const part of parts) {
      for (let at = 0; at < part.length;) at += await file.write(part.subarray(at));
    }
    await file.sync();
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw new CheckpointError(`Cannot save "${path}": ${reasonOf(error)}`, { cause: error });
  }
  await syncFolder(folderOf(path));
}

/** The rename itself is on the disk only when the folder is; Windows cannot open folders and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using handle = await Deno.open(folder);
  await handle.sync();
}

/**
 * Reads a checkpoint.
 *
 * @param path the file
 * @throws {CheckpointError} when there is none, or it is no whole checkpoint, with the reason
 */
export async function loadCheckpoint(path: string): Promise<StoredCheckpoint> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    throw new CheckpointError(`Cannot read "${path}": ${reasonOf(error)}`, { cause: error });
  }
  try {
    return await decodeCheckpoint(bytes);
  } catch (error) {
    throw new CheckpointError(`Cannot resume from "${path}": ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Claims a path, so that two runs do not save over each other, and removes what dead ones left beside it.
 *
 * The claim is an advisory lock on `PATH.lock`, which the system drops when the process dies.
 *
 * @param path where checkpoints will be saved
 * @returns dispose it to give the path free
 * @throws {CheckpointError} when another run has it, or nothing can be written there
 */
export async function claimCheckpoint(path: string): Promise<AsyncDisposable> {
  const lock = `${path}.lock`;
  let file: Deno.FsFile;
  do {
    try {
      file = await Deno.open(lock, { write: true, create: true });
    } catch (error) {
      throw new CheckpointError(`Cannot save "${path}": ${reasonOf(error)}`, { cause: error });
    }
    if (!await file.tryLock(true)) {
      file.close();
      throw new CheckpointError(
        `Another run is saving to "${path}": choose another file with --save, or end that run`,
      );
    }
    // A run that ended meanwhile may have removed the file that we have locked.
  } while (!await isAt(file, lock));
  await removeTemporaries(path);
  return {
    async [Symbol.asyncDispose]() {
      await Deno.remove(lock).catch(() => {});
      file.close();
    },
  };
}

/** Whether an open file is still the one at a path; if not, it is closed. */
async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  const there = await Deno.stat(path).catch(() => null);
  const same = there !== null && there.ino === (await file.stat()).ino;
  if (!same) file.close();
  return same;
}

/** We have the lock: every temporary beside the checkpoint belongs to a run that died. */
async function removeTemporaries(path: string): Promise<void> {
  const folder = folderOf(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  for await (const { name: other } of Deno.readDir(folder)) {
    if (other.startsWith(`${name}.`) && /\.\d+\.tmp$/.test(other)) {
      await Deno.remove(folder + other).catch(() => {});
    }
  }
}
