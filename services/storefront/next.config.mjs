import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** @type {import('next').NextConfig} */
export default {
  // The server and the modules it needs, traced from the repository's root, where npm hoists them: `server.js` lands in
  // `.next/standalone/services/storefront/`. bundle.ts makes one flat folder of it, `dist/`, which an image copies to /app.
  output: 'standalone',
  outputFileTracingRoot: repository,
  images: { unoptimized: true },
  // Every page is rendered for its request: nothing is cached, neither in memory nor on the (read-only) disk.
  cacheMaxMemorySize: 0,
  experimental: { isrFlushToDisk: false },
  generateBuildId: () => process.env.STOREFRONT_BUILD_ID ?? 'development',
  // `npm run check` runs tsc on this folder; a build for an image need not repeat it.
  typescript: { ignoreBuildErrors: true },
  poweredByHeader: false,
  agentRules: false,
  headers: () => [
    {
      source: '/:path*',
      headers: [
        { key: 'X-Content-Type-Options', value: 'nosniff' },
        { key: 'X-Frame-Options', value: 'DENY' },
        { key: 'Referrer-Policy', value: 'no-referrer' },
        { key: 'Cross-Origin-Opener-Policy', value: 'same-origin' },
        { key: 'Cross-Origin-Resource-Policy', value: 'same-origin' },
        { key: 'Permissions-Policy', value: 'camera=(), geolocation=(), microphone=(), payment=(), usb=()' },
      ],
    },
  ],
};
