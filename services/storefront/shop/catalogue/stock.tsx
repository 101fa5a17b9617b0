const FEW = 5;

/** Says how many there are where that matters: few, or none. */
export function Stock({ available }: { available: number | undefined }) {
  if (available === undefined || available > FEW) return null;
  return (
    <p className="stock" data-stock={available > 0 ? 'few' : 'none'}>
      {available > 0 ? `Only ${available} left` : 'Sold out'}
    </p>
  );
}
