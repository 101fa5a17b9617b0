/** A shop catalogue that is made up: every row follows from the seed and its own number, so that any run makes the same ones. */
import type { SeedGenerator, SeedRow } from '../contract.ts';

interface Category {
  name: string;
  code: string;
  things: readonly string[];
  /** In the currency's smallest unit. */
  price: readonly [least: number, most: number];
}

const CATEGORIES: readonly Category[] = [
  { name: 'Home & Living', code: 'HOM', things: ['Desk Lamp', 'Armchair', 'Bookshelf', 'Wool Blanket', 'Wall Clock'], price: [1_500, 60_000] },
  { name: 'Kitchen', code: 'KIT', things: ['Espresso Cup', 'Chef Knife', 'Frying Pan', 'Bread Box', 'Carafe'], price: [800, 18_000] },
  { name: 'Outdoor', code: 'OUT', things: ['Backpack', 'Trekking Pole', 'Two-Person Tent', 'Head Torch', 'Water Bottle'], price: [1_200, 45_000] },
  { name: 'Clothing', code: 'CLO', things: ['Rain Jacket', 'T-Shirt', 'Wool Jumper', 'Running Shoes', 'Scarf'], price: [1_000, 22_000] },
  { name: 'Electronics', code: 'ELE', things: ['Headphones', 'Keyboard', 'Power Bank', 'Radio', 'Webcam'], price: [2_000, 90_000] },
  { name: 'Toys & Games', code: 'TOY', things: ['Puzzle', 'Building Blocks', 'Card Game', 'Kite', 'Train Set'], price: [500, 12_000] },
  { name: 'Garden', code: 'GAR', things: ['Watering Can', 'Pruning Shears', 'Plant Pot', 'Garden Hose', 'Bird House'], price: [600, 15_000] },
]; // prettier-ignore
const LOOKS = ['Classic', 'Compact', 'Modern', 'Nordic', 'Sturdy', 'Light', 'Folding', 'Vintage', 'Soft', 'Bright'];
const MADE_OF = ['Oak', 'Steel', 'Linen', 'Bamboo', 'Copper', 'Canvas', 'Glass', 'Cork', 'Slate', 'Ceramic'];

/** What a row can hold; a table takes of these what it has columns for. */
export const PRODUCT_FIELDS = ['id', 'name', 'category', 'description', 'sku', 'price', 'stock'] as const;

type Field = (typeof PRODUCT_FIELDS)[number];

/** The product of that number, from 1 on; only the fields that are asked for. */
export function product(seed: number, number: number, fields: readonly Field[] = PRODUCT_FIELDS): SeedRow {
  const random = randomOf(seed, number);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const category = pick(CATEGORIES);
  const thing = pick(category.things);
  const [look, material] = [pick(LOOKS), pick(MADE_OF)];
  const [least, most] = category.price;
  const digits = String(number).padStart(7, '0');
  // Cheap things are more frequent than dear ones, and all of them cost 99 something.
  const price = Math.floor((least + (most - least) * random() ** 3) / 100) * 100 + 99;
  const stock = Math.floor(random() * 500);
  const valueOf = (field: Field): string | number => {
    switch (field) {
      case 'id':
        return `product-${digits}`;
      case 'name':
        return `${look} ${material} ${thing}`;
      case 'category':
        return category.name;
      case 'description':
        return `${thing}, ${look.toLowerCase()}, made of ${material.toLowerCase()}.`;
      case 'sku':
        return `${category.code}-${digits}`;
      case 'price':
        return price;
      case 'stock':
        return stock;
    }
  };
  const row: SeedRow = {};
  for (const field of fields) row[field] = valueOf(field);
  return row;
}

/** All products, in batches; only the fields that are asked for. */
export function* products({ count, seed }: SeedGenerator, fields: readonly string[], batch: number): Iterable<SeedRow[]> {
  const wanted = PRODUCT_FIELDS.filter((field) => fields.includes(field));
  for (let first = 1; first <= count; first += batch) {
    const length = Math.min(batch, count - first + 1);
    yield Array.from({ length }, (_, i) => product(seed, first + i, wanted));
  }
} // prettier-ignore

/** mulberry32, started anew for every row: none depends on those before it. */
function randomOf(seed: number, number: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number, 0xc2b2ae35);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
