/** A page to try the API out with. It stands alone: nothing is loaded from elsewhere. */
export const consolePage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Orderplane GraphQL</title>
<style>
  body { font: 14px system-ui, sans-serif; margin: 0; display: grid; grid-template: auto 1fr / 1fr 1fr; height: 100vh; }
  header { grid-column: 1 / 3; padding: 8px 12px; border-bottom: 1px solid #ccc; display: flex; gap: 12px; align-items: center; }
  textarea, pre { font: 13px ui-monospace, monospace; margin: 0; padding: 12px; border: 0; overflow: auto; }
  pre { background: #f6f8fa; }
</style>
<header><strong>Orderplane GraphQL</strong> <button id="run">Run</button> <span>Ctrl+Enter</span></header>
<textarea id="query" aria-label="Query" spellcheck="false">{
  products { id name price }
  orders(first: 5) { items { id productId qty status createdAt } next }
}

# mutation { createOrder(productId: "p1", qty: 1) { id createdAt } }</textarea>
<pre id="answer" aria-label="Answer"></pre>
<script>
  const query = document.getElementById('query');
  const answer = document.getElementById('answer');
  async function run() {
    const selected = query.value.slice(query.selectionStart, query.selectionEnd).replace(/^# ?/gm, '');
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ query: selected.trim() || query.value });
    const response = await fetch('/graphql', { method: 'POST', headers, body });
    answer.textContent = JSON.stringify(await response.json(), null, 2);
  }
  document.getElementById('run').addEventListener('click', run);
  addEventListener('keydown', (event) => { if (event.ctrlKey && event.key === 'Enter') run(); });
</script>
</html>
`;
