import type { ProblemCode } from '../problem.ts';

/** Reads /docs/json and shows it, with a form to try each operation. It stands alone: nothing is loaded from elsewhere. */
export function docsPage(problems: readonly { code: ProblemCode; status: number; title: string }[]): string {
  const rows = problems
    .map(({ code, status, title }) => `<tr id="${code}"><td>${status}<td><code>${code}</code><td>${title}</tr>`)
    .join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Orderplane API</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 16px; max-width: 60rem; color: #1b1f24; }
  details { border: 1px solid #d0d7de; border-radius: 6px; margin: 6px 0; padding: 0 12px; }
  summary { cursor: pointer; padding: 8px 0; }
  code, pre, textarea, input { font: 13px ui-monospace, monospace; }
  pre { background: #f6f8fa; padding: 12px; overflow: auto; max-height: 24rem; }
  textarea { width: 100%; box-sizing: border-box; min-height: 7rem; }
  label { display: block; margin: 6px 0; }
  input { width: min(100%, 28rem); box-sizing: border-box; }
  b { display: inline-block; min-width: 3.5rem; }
  td { padding: 2px 12px 2px 0; vertical-align: top; }
  :target { background: #fff8c5; }
</style>
<h1>Orderplane API</h1>
<p>Machines read <a href="/docs/json">/docs/json</a> (OpenAPI 3.1).</p>
<label>Access token <input id="token" autocomplete="off" placeholder="from POST /api/v1/auth/login"></label>
<main id="operations">Loading…</main>
<h2>Errors</h2>
<p>As <code>application/problem+json</code>; <code>code</code> is one of these.</p>
<table>${rows}</table>
<script>
  const element = (tag, text, attributes = {}) =>
    Object.assign(document.createElement(tag), { textContent: text }, attributes);
  const field = (name, attributes) => {
    const label = element('label', name + ' ');
    const input = element('input', '', attributes);
    label.append(input);
    return { label, input };
  };
  // A body to start from: of each schema its required fields.
  function example(schema, all) {
    if (!schema) return null;
    if (schema.$ref) return example(all[schema.$ref.split('/').pop()], all);
    if (schema.enum) return schema.enum[0];
    if (schema.type === 'array') return [example(schema.items, all)];
    if (schema.type === 'integer') return schema.minimum ?? 1;
    if (schema.type !== 'object') return schema.format === 'email' ? 'someone@example.com' : '';
    const names = schema.required ?? Object.keys(schema.properties);
    return Object.fromEntries(names.map((name) => [name, example(schema.properties[name], all)]));
  }
  function show(path, method, operation, all) {
    const details = element('details', '');
    const summary = element('summary', '');
    summary.append(element('b', method.toUpperCase()), element('code', path), ' ' + operation.summary);
    details.append(summary);
    const inputs = operation.parameters.map((parameter) => {
      const { label, input } = field(parameter.name, { placeholder: parameter.schema.description ?? parameter.schema.type });
      details.append(label);
      return { ...parameter, input };
    });
    const content = operation.requestBody?.content['application/json'].schema;
    const body = content && element('textarea', JSON.stringify(example(content, all), null, 2), { ariaLabel: 'Body' });
    const answer = element('pre', '', { hidden: true, ariaLive: 'polite' });
    const send = element('button', 'Send');
    send.addEventListener('click', async () => {
      const given = inputs.filter(({ input }) => input.value !== '');
      const of = (place) => given.filter((parameter) => parameter.in === place).map(({ name, input }) => [name, input.value]);
      let url = path;
      for (const [name, value] of of('path')) url = url.replace('{' + name + '}', encodeURIComponent(value));
      const query = new URLSearchParams(of('query')).toString();
      const headers = Object.fromEntries(of('header'));
      const token = document.getElementById('token').value;
      if (token) headers.authorization = 'Bearer ' + token;
      if (body) headers['content-type'] = 'application/json';
      const response = await fetch(url + (query && '?' + query), { method: method.toUpperCase(), headers, body: body?.value });
      const text = await response.text();
      answer.hidden = false;
      answer.textContent = response.status + ' ' + (text && JSON.stringify(JSON.parse(text), null, 2));
    });
    const list = element('ul', '');
    for (const [status, response] of Object.entries(operation.responses)) {
      list.append(element('li', status + ': ' + response.description));
    }
    details.append(...(body ? [body] : []), send, answer, list);
    return details;
  }
  async function load() {
    const api = await (await fetch('/docs/json')).json();
    const main = document.getElementById('operations');
    main.textContent = '';
    const all = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
    for (const [tag, operations] of Map.groupBy(all, ({ operation }) => operation.tags[0])) {
      main.append(element('h2', tag));
      for (const { path, method, operation } of operations) main.append(show(path, method, operation, api.components.schemas));
    }
  }
  load();
</script>
</html>
`;
}
