import type { KubeObject } from '../../runtime/resource.ts';

/** Whether an object has the labels of a selector: `key=value`, `key!=value`, `key` and `!key`, joined by commas. */
export function matchesLabels({ metadata: { labels = {} } }: KubeObject, selector: string | undefined): boolean {
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .every((requirement) => {
      const [, not, key = '', operator, value] = /^(!?)([^=!\s]+)(?:(==?|!=)(.*))?$/.exec(requirement.trim()) ?? [];
      if (!key) throw new Error(`label selector ${selector} is of a form that is not understood here`);
      if (operator === undefined) return key in labels !== Boolean(not);
      return (labels[key] === value) === (operator !== '!=');
    });
}
