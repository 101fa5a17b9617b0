import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { PRODUCT_FIELDS, product, products } from './products.ts';

const all = (count: number, seed: number, batch = 100) => [...products({ kind: 'products', count, seed }, PRODUCT_FIELDS, batch)].flat(); // prettier-ignore

test('makes the same products in every release: a change would rewrite the tables of all who use it', () => {
  expect(product(1, 1)).toMatchInlineSnapshot(`
   {
     "category": "Garden",
     "description": "Garden Hose, soft, made of cork.",
     "id": "product-0000001",
     "name": "Soft Cork Garden Hose",
     "price": 10299,
     "sku": "GAR-0000001",
     "stock": 240,
   }
  `);
  const digest = createHash('sha256').update(JSON.stringify(all(1_000, 7))).digest('hex'); // prettier-ignore
  expect(digest).toMatchInlineSnapshot(`"13c09a217a4d16417ffd3c5d5985218148d0d4f1b407771d8214b2e201d9311d"`);
});

test('makes no product depend on how many there are, nor on the batches', () => {
  expect(all(250, 3, 7)).toEqual(all(1_000, 3).slice(0, 250));
});

test('makes products that differ, each with a key of its own', () => {
  const made = all(5_000, 1);
  expect(new Set(made.map(({ id }) => id)).size).toBe(5_000);
  expect(new Set(made.map(({ name }) => name)).size).toBeGreaterThan(2_000);
  expect(new Set(made.map(({ category }) => category)).size).toBe(7);
  expect(made.every(({ price }) => Number.isInteger(price) && Number(price) >= 599 && Number(price) % 100 === 99)).toBe(true); // prettier-ignore
});

test('makes only the fields that there is room for', () => {
  const [rows] = products({ kind: 'products', count: 1, seed: 1 }, ['price', 'id', 'colour'], 10);
  expect(Object.keys(rows![0]!)).toEqual(['id', 'price']);
});
