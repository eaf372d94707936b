/**
 * Headers of a bundle's files. A game is somebody else's program: it runs in an origin of its own, which nothing here trusts (`sandbox`
 * without the same origin), may load its own files alone, and sends nothing anywhere. Threads need a page that is isolated from others,
 * which browsers refuse to a sandbox; such a game runs beside the API instead, and still reaches nothing but its own files.
 */

/** What a game may do in its sandbox. */
const SANDBOX = 'sandbox allow-scripts allow-pointer-lock allow-orientation-lock allow-presentation'
const FEATURES = 'camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=()'

/** `base`: the address of the bundle, with a slash at its end. `site`: who may show the game in a frame, beside this origin. */
function policyOf(base: string, site: string, threads: boolean): string {
  return [
    ...(threads ? [] : [SANDBOX]),
    "default-src 'none'",
    `script-src 'unsafe-inline' 'wasm-unsafe-eval' blob: ${base}`,
    `style-src 'unsafe-inline' ${base}`,
    `img-src data: blob: ${base}`,
    `media-src data: blob: ${base}`,
    `font-src data: ${base}`,
    `connect-src data: blob: ${base}`,
    `worker-src blob: ${base}`,
    `manifest-src ${base}`,
    "frame-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
    `frame-ancestors 'self' ${site}`,
  ].join('; ')
}

const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

export interface Played {
  base: string
  site: string
  threads: boolean
  contentType: string
  sizeBytes: number
  etag: string
}

export function playHeaders({ base, site, threads, contentType, sizeBytes, etag }: Played): Record<string, string> {
  return {
    'content-type': contentType,
    'content-length': String(sizeBytes),
    'content-security-policy': policyOf(base, site, threads),
    'permissions-policy': FEATURES,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'cross-origin',
    // From a sandbox every request is another origin's; the address is the only credential.
    'access-control-allow-origin': '*',
    // A session ends, and its files with it.
    'cache-control': 'private, no-cache',
    etag,
    ...(threads && ISOLATION),
  }
}

/** Of a cover, which is the same for ever. */
export const coverHeaders = (sizeBytes: number): Record<string, string> => ({
  'content-type': 'image/webp',
  'content-length': String(sizeBytes),
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'cross-origin',
  'cache-control': 'public, max-age=31536000, immutable',
})
