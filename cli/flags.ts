/**
 * Flags as data: parsed, checked, explained.
 *
 * @module
 */
import { closestString, parseArgs } from "../std.ts";
import { UsageError } from "./exit.ts";

/** A flag of a command. */
export interface Flag {
  /** What its value is called in the help; none for a flag that is there or not. */
  readonly value?: string;
  /** How the value is read; text unless stated. */
  readonly kind?: "text" | "count" | "number";
  /** The values it may have. */
  readonly of?: readonly string[];
  /** One line of help. */
  readonly help: string;
}

/** A command of the program. */
export interface Command {
  /** Its name. */
  readonly name: string;
  /** What it does, in one line. */
  readonly help: string;
  /** What may stand behind the flags: names, for the help. */
  readonly positional?: string;
  /** Its flags, by name without the dashes. */
  readonly flags: Readonly<Record<string, Flag>>;
  /** Command lines worth showing. */
  readonly examples: readonly string[];
}

/** The values of flags. */
export interface Values {
  /** Whether a flag was given. */
  has(name: string): boolean;
  /** The text of a flag. */
  text(name: string): string | undefined;
  /** The number of a flag. */
  number(name: string): number | undefined;
  /** What stands behind the flags. */
  readonly positional: readonly string[];
}

/** Suggests only what could be a slip of the fingers. */
function suggestion(word: string, known: readonly string[]): string {
  const near = closestString(word, known);
  const common = [...near].filter((letter) => word.includes(letter)).length;
  return common * 2 >= near.length ? `: did you mean "${near}"?` : "";
}

/**
 * The known word that is nearest to an unknown one, as the end of a sentence.
 *
 * @param what what kind of word, as in `command`
 * @param word the unknown one
 * @param known the known ones
 */
export function unknown(what: string, word: string, known: readonly string[]): UsageError {
  return new UsageError(`Unknown ${what} "${word}"${suggestion(word, known)}`);
}

/**
 * Parses the arguments of a command.
 *
 * @param command what may be given
 * @param args the arguments behind the command's name
 * @throws {UsageError} for an unknown flag (with the nearest known), a missing or bad value, a flag given twice
 */
export function parseFlags(command: Command, args: readonly string[]): Values {
  const names = Object.keys(command.flags);
  const valued = names.filter((name) => command.flags[name]!.value !== undefined);
  const plain = names.filter((name) => command.flags[name]!.value === undefined);
  const parsed = parseArgs(protect(args, command.flags), {
    string: [...valued, "_"],
    boolean: plain,
    collect: valued,
    unknown: (_, key) => {
      if (key !== undefined) {
        throw unknown("flag", `--${key}`, names.map((name) => `--${name}`));
      }
      return true;
    },
  });
  const positional = parsed._.map(String);
  if (command.positional === undefined && positional.length > 0) {
    throw new UsageError(
      `"${positional[0]}" is one word too many: see saccade ${command.name} --help`,
    );
  }
  const values: Record<string, string> = {};
  for (const name of valued) {
    const given = (parsed[name] as string[] | undefined) ?? [];
    if (given.length > 1) throw new UsageError(`--${name} is given ${given.length} times`);
    if (given[0] !== undefined) values[name] = checked(name, command.flags[name]!, given[0]);
  }
  return {
    has: (name) => name in values || parsed[name] === true,
    text: (name) => values[name],
    number: (name) => values[name] === undefined ? undefined : Number(values[name]),
    positional,
  };
}

/**
 * Joins a value to its flag, so that "-" and negative numbers are values; refuses a flag without the value it needs, and a value
 * for a flag that takes none.
 */
function protect(args: readonly string[], flags: Command["flags"]): string[] {
  const out: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const [, name, given] = arg.match(/^--([^=]+)(=.*)?$/s) ?? [];
    const flag = name !== undefined && Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) {
      out.push(arg);
    } else if (flag.value === undefined) {
      if (given !== undefined) throw new UsageError(`--${name} takes no value`);
      // parseArgs would take the word for the flag's value.
      if (/^(true|false)$/.test(args[i + 1] ?? "")) {
        throw new UsageError(`"${args[i + 1]}" is one word too many: --${name} takes no value`);
      }
      out.push(arg);
    } else if (given !== undefined) {
      out.push(arg);
    } else {
      const value = args[++i];
      if (value === undefined || value.startsWith("--")) {
        throw new UsageError(`--${name} needs a value`);
      }
      out.push(`${arg}=${value}`);
    }
  }
  return out;
}

function checked(name: string, flag: Flag, value: string): string {
  if (value === "") throw new UsageError(`--${name} needs a value`);
  if (flag.of !== undefined && !flag.of.includes(value)) {
    throw new UsageError(
      `--${name} is one of ${flag.of.join(", ")}, not "${value}"${suggestion(value, flag.of)}`,
    );
  }
  if (flag.kind === "count" && !/^\d{1,15}$/.test(value)) {
    throw new UsageError(`--${name} is a whole number, not "${value}"`);
  }
  if (flag.kind === "number" && !(/^\d*\.?\d+(e[-+]?\d+)?$/i.test(value) && Number(value) > 0)) {
    throw new UsageError(`--${name} is a number above 0, not "${value}"`);
  }
  return value;
}

/**
 * The help of a command.
 *
 * @param command the command
 */
export function helpText(command: Command): string {
  const { name, help, positional = "", flags, examples } = command;
  const left = Object.entries(flags).map(([flag, { value }]) =>
    `  --${flag}${value === undefined ? "" : ` ${value}`}`
  );
  const width = Math.max(8, ...left.map((text) => text.length)) + 2;
  const lines = Object.values(flags).map((flag, i) => left[i]!.padEnd(width) + flag.help);
  const usage = ["saccade", name, positional, "[flags]"].filter((word) => word !== "").join(" ");
  return [
    help,
    "",
    `Usage: ${usage}`,
    "",
    "Flags:",
    ...lines,
    "  --help".padEnd(width) + "show this",
    "",
    "Examples:",
    ...examples.map((example) => `  ${example}`),
  ].join("\n");
}
