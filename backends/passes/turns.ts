/**
 * One thing after the other, where some take time and most do not.
 *
 * @module
 */

/** What is asked for while something is under way waits for it; what is done at once makes no promise. */
export class Turns {
  readonly #rejects = new Set<(error: Error) => void>();
  #last: Promise<unknown> = Promise.resolve();
  #end: Error | undefined;

  /** Whether nothing is under way. */
  get idle(): boolean {
    return this.#rejects.size === 0;
  }

  /**
   * Does something when all before it is done: now, where nothing is under way.
   *
   * @param work what is to be done
   * @returns what it returns; a promise where it, or something before it, takes time
   */
  take<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (this.idle) {
      const result = work();
      return result instanceof Promise ? this.#hold(result) : result;
    }
    return this.#hold(this.#last.then(() => {
      if (this.#end !== undefined) throw this.#end;
      return work();
    }));
  }

  /**
   * Rejects everything that is under way or waits, at once; what waits is never begun.
   *
   * @param error the reason
   * @returns settles when what is under way has ended, which may be never
   */
  end(error: Error): Promise<unknown> {
    this.#end = error;
    for (const reject of this.#rejects) reject(error);
    return this.#last;
  }

  #hold<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#rejects.add(reject);
    // Whoever goes on after its own turn must find it over.
    this.#last = work.then((value) => {
      this.#rejects.delete(reject);
      resolve(value);
    }, (error) => {
      this.#rejects.delete(reject);
      reject(error);
    });
    // Nobody has to await every step: what went wrong is said by all later calls.
    promise.catch(() => {});
    return promise;
  }
}
