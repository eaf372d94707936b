/** The cookies of hosted pages: how they are named, and where they hold. */
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'

/** Behind https the prefix `__Host-` keeps other hosts of the domain from setting the cookie; it demands the path `/`. */
export const hostedCookie = (
  c: Context<AppEnv>,
  { name, path }: { name: string; path: string },
  publicUrl: string | undefined,
  trustProxy: boolean,
) =>
  isHttps({ url: c.req.url, header: (name) => c.req.header(name) }, publicUrl, trustProxy)
    ? { name: `__Host-${name}`, path: '/', secure: true }
    : { name, path, secure: false }

/** Whether the browser came by https: PUBLIC_URL decides, else what the proxy or the request says. */
export function isHttps(
  { url, header }: { url: string; header: (name: string) => string | undefined },
  publicUrl: string | undefined,
  trustProxy: boolean,
): boolean {
  if (publicUrl !== undefined) return publicUrl.startsWith('https:')
  const forwarded = trustProxy ? header('x-forwarded-proto')?.split(',').at(-1)?.trim() : undefined
  return forwarded === undefined ? url.startsWith('https:') : forwarded === 'https'
}
