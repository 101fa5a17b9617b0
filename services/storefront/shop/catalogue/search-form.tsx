'use client';
import Form from 'next/form';
import { useEffect, useRef } from 'react';
import type { Wanted } from './wanted.ts';

export function SearchForm({ wanted: { search = '', category } }: { wanted: Wanted }) {
  const input = useRef<HTMLInputElement>(null);
  // The field stays while the page changes around it: links may lead to what was not typed.
  useEffect(() => {
    if (input.current) input.current.value = search;
  }, [search]);
  return (
    <Form action="/" role="search" className="search" prefetch={false}>
      {category !== undefined && <input type="hidden" name="category" value={category} />}
      <input
        ref={input}
        type="search"
        name="search"
        aria-label="Search for products"
        placeholder="Search"
        defaultValue={search}
        maxLength={100}
        enterKeyHint="search"
        autoComplete="off"
      />
      <button type="submit" aria-label="Search">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <circle cx="8.5" cy="8.5" r="5.5" />
          <path d="m13 13 4.5 4.5" />
        </svg>
      </button>
    </Form>
  );
}
