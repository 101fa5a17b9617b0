const COLUMNS = 6;
const ROWS = 3;
const PALETTES = 6;

/** Shapes in a unit square: quarter discs in four turns, a disc, a half disc, and two ways of nothing. */
const SHAPES = [
  'M0 0h1a1 1 0 0 1-1 1z',
  'M1 0v1a1 1 0 0 1-1-1z',
  'M1 1h-1a1 1 0 0 1 1-1z',
  'M0 1v-1a1 1 0 0 1 1 1z',
  'M.5 0a.5.5 0 0 1 0 1 .5.5 0 0 1 0-1z',
  'M0 0h1a.5.5 0 0 1-1 0z',
  '',
  '',
];

/** A picture that a product keeps, as its id is all that goes into it. Products have none of their own. */
export function Artwork({ seed }: { seed: string }) {
  const random = numbersFrom(seed);
  const palette = random(PALETTES);
  const tiles = Array.from({ length: COLUMNS * ROWS }, (_, index) => ({
    path: SHAPES[random(SHAPES.length)],
    tone: random(3),
    at: `translate(${index % COLUMNS} ${Math.floor(index / COLUMNS)})`,
  }));
  return (
    <svg
      className={`artwork palette-${palette}`}
      viewBox={`0 0 ${COLUMNS} ${ROWS}`}
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
    >
      {tiles.map(({ path, tone, at }) => path && <path key={at} className={`tone-${tone}`} d={path} transform={at} />)}
    </svg>
  );
}

/** Numbers below a bound, the same sequence for the same text (FNV-1a, then mulberry32). */
function numbersFrom(text: string): (bound: number) => number {
  let state = 0x811c9dc5;
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
