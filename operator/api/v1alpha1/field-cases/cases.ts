/**
 * How a field of the API is tested. Every leaf of a spec has a row in this folder: what the API server refuses, in which words, and one
 * legal change with the place where it can be seen to act.
 */
import type { Made } from './made.ts';

export interface FieldCase {
  /** At least two values that the API server refuses, and what it says: a part of the message, or a pattern. */
  illegal: readonly (readonly [value: unknown, says: string | RegExp])[];
  /** Or, where it takes more than an edit to see a field act, the test that shows it: `path › title`. */
  legal: LegalChange | { shownBy: string };
}

export interface LegalChange {
  /** What the field is set to, in the first sample that has the field. */
  to: unknown;
  /** Fields that have to change along with it, by path; undefined takes one away. */
  along?: Readonly<Record<string, unknown>>;
  /** Where it acts, as read from what the operator made. */
  acts: (made: Made) => unknown;
  /** What is read there after the change, and is not before it. A string is to be contained. */
  becomes: unknown;
  /**
   * `together` (default): set in one update with all others. `alone`: on a platform of its own, because it holds up or renames what others
   * look at. `onCreation`: cannot be changed later; seen on a second object that has it from the start.
   */
  when?: 'together' | 'alone' | 'onCreation';
}

export type FieldCases = Readonly<Record<string, FieldCase>>;
export type KindName = 'OrderPlatform' | 'Migration' | 'SeedJob';
