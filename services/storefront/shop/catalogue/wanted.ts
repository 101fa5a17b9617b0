/** What of the catalogue a visitor wants to see: the parameters of its address. */
export interface Wanted {
  search?: string;
  category?: string;
  after?: string;
}

/** The gateway's bounds; what is longer can name nothing. */
const LONGEST = { search: 100, category: 64, after: 256 } as const;
const PER_PAGE = 24;

export function wantedFrom(parameters: Record<string, string | string[] | undefined>): Wanted {
  const wanted: Wanted = {};
  for (const name of ['search', 'category', 'after'] as const) {
    const value = [parameters[name]]
      .flat()[0]
      ?.replaceAll(/\p{Cc}/gu, ' ')
      .trim();
    if (value) wanted[name] = value.slice(0, LONGEST[name]);
  }
  return wanted;
}

/** The shop's own address of it. */
export function addressOf(wanted: Wanted): string {
  const query = new URLSearchParams({ ...wanted }).toString();
  return query === '' ? '/' : `/?${query}`;
}

/** The gateway's path of it. */
export function productsPath(wanted: Wanted): string {
  return `inventory/products?${new URLSearchParams({ first: String(PER_PAGE), ...wanted })}`;
}
