/** Links from words to the tests that show them: `path/of/the.test.ts › title of a test or of a row of its table`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.ts';

/** What is wrong with a link, in words; undefined when that file has a test of that title. */
export function brokenTestLink(link: string): string | undefined {
  const [file = '', title = ''] = link.split(' › ').map((part) => part.trim());
  const path = join(root, file);
  if (!/\.test\.tsx?$/.test(file) || !existsSync(path)) return `${file} is no test file`;
  const titles = ["'", '"', '`'].map((quote) => `${quote}${title}`);
  const text = readFileSync(path, 'utf8').replaceAll("\\'", "'");
  return title && titles.some((quoted) => text.includes(quoted)) ? undefined : `${file} has no test "${title}"`;
}
