/**
 * Gets ONNX Runtime Web, when it is first needed.
 *
 * @module
 */

/** The version whose insides {@linkcode RawOrt} knows. */
export const ORT_VERSION = "1.30.0";

/**
 * Imports a module of the package. Under Deno it is fetched from the registry the first time (140 MB on the disk).
 *
 * @param path what stands behind the package's name, as in `/wasm`
 * @throws {Error} when it cannot be had, with the reason
 */
export async function importOrt<T>(path: string): Promise<T> {
  // Put together here, because a specifier that can be read off the source is fetched when the program starts, by everybody.
  const specifier = `npm:onnxruntime-web@${ORT_VERSION}${path}`;
  try {
    return await import(specifier);
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    throw new Error(
      `Cannot import onnxruntime-web ${ORT_VERSION} (deno cache npm:onnxruntime-web@${ORT_VERSION} fetches it): ${reason}`,
      { cause: error },
    );
  }
}
