import { InvalidArgumentError } from 'commander';

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The names in `a,b`, each once; throws commander's error where one cannot be a namespace's, or there is none. */
export function namespaceNames(text: string): string[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  for (const name of names) {
    if (!NAME.test(name))
      throw new InvalidArgumentError(
        `"${name}" is no name of a namespace: give names with commas between them, such as shop,books`,
      );
  }
  return names;
}
