/** Where to go after signing in: a page of this shop, whatever an address says. */
export function nextPage(wanted: string | undefined): string {
  const home = 'http://shop.invalid';
  const url = URL.parse(wanted ?? '/', home);
  return url?.origin === home ? url.pathname + url.search : '/';
}
