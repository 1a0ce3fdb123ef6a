/**
 * What an option is: one row of a table. A row knows its kind (what is allowed and how it is
 * read), its unit, its default and the reason for it. Tables are in `options.ts` and `limits.ts`.
 */

/** Something wrong with a configuration, told to the person who wrote it. */
export interface Fault {
  /** Where in the file: keys and positions in lists, as `['shares', 0, 'path']`. */
  readonly path: readonly (string | number)[];
  /** The value as it stands in the file; undefined where it is missing or secret. */
  readonly value?: unknown;
  /** What is wrong and what is allowed. */
  readonly text: string;
}

/** Where a value stands, and where what is wrong with it goes. */
export interface Place {
  readonly path: readonly (string | number)[];
  readonly faults: Fault[];
  /** Turns a path as written into an absolute one. */
  readonly resolve: (written: string) => string;
}

export interface Kind<T> {
  /** What is allowed, so that "must be …" reads well. */
  readonly allowed: string;
  /** The value, or undefined when it is not allowed; a kind with parts has then told the place why. */
  read(value: unknown, place: Place): T | undefined;
  /** True for kinds that report the faults of their parts themselves. */
  readonly reportsParts?: boolean;
  /** The rows inside, for a list of tables. */
  readonly rows?: Table;
}

export interface Row {
  readonly reason: string;
  readonly unit?: 'bytes' | 'ms' | 's' | 'characters';
  /** YAML text for the commented example, where there is no default to show. */
  readonly example?: string;
  /** The value is never shown. */
  readonly secret?: true;
  /** What the example shows as a comment, though there are configurations that need it. */
  readonly aside?: true;
}

export interface Option<T> extends Row {
  readonly kind: Kind<T>;
  readonly presence: 'required' | 'optional' | 'default';
  readonly default?: T;
}

/** An option that must be given. */
export function required<T>(kind: Kind<T>, row: Row): Option<T> {
  return { ...row, kind, presence: 'required' };
}

/** An option that may be left out, and then is undefined. */
export function optional<T>(kind: Kind<T>, row: Row): Option<T | undefined> {
  return { ...row, kind, presence: 'optional' };
}

/** An option with a default. */
export function withDefault<T>(kind: Kind<T>, value: T, row: Row): Option<T> {
  return { ...row, kind, presence: 'default', default: value };
}

/** Options by key; a dot separates the section from the name in it. */
export type Table = Readonly<Record<string, Option<unknown>>>;

export type ValuesOf<T extends Table> = {
  readonly [K in keyof T]: T[K] extends Option<infer V> ? V : never;
};

/** The options of one section of a table, without its name. */
export type SectionOf<V, S extends string> = {
  readonly [K in keyof V as K extends `${S}.${infer Name}` ? Name : never]: V[K];
};
