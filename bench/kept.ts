/**
 * Results that take long to make, kept in a file as they come.
 *
 * @module
 */

/** Values of JSON by name; what a run was interrupted after is not made again. */
export class Kept {
  readonly #values = new Map<string, unknown>();
  readonly #path: string | undefined;

  private constructor(path: string | undefined) {
    this.#path = path;
  }

  /**
   * Opens a file of results, or begins one.
   *
   * @param path the file; without one nothing outlives the process
   * @throws {SyntaxError} when the file is not one of results
   */
  static async open(path?: string): Promise<Kept> {
    const kept = new Kept(path);
    if (path === undefined) return kept;
    const text = await Deno.readTextFile(path).catch((error) => {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    });
    for (const line of text.split("\n")) {
      if (line === "") continue;
      const [name, value] = JSON.parse(line);
      kept.#values.set(name, value);
    }
    return kept;
  }

  /**
   * A result.
   *
   * @param name what it is of
   * @param make makes it; null is not kept, and tried again the next time
   */
  async get<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (this.#values.has(name)) return this.#values.get(name) as T;
    const value = await make();
    console.error(name, JSON.stringify(value));
    if (value === null) return value;
    this.#values.set(name, value);
    if (this.#path !== undefined) {
      await Deno.writeTextFile(this.#path, `${JSON.stringify([name, value])}\n`, { append: true });
    }
    return value;
  }
}
