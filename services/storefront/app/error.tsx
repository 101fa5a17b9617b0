'use client';
import { Notice } from '../shop/ui/notice.tsx';

export default function ErrorPage({ reset }: { reset: () => void }) {
  return (
    <Notice
      title="This page broke"
      advice="That is our fault. Orders that were accepted are safe."
      action={{ label: 'Show it again', run: reset }}
    />
  );
}
