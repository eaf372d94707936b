/** Forms are taken from our own pages alone: browsers say where a form comes from. */
import type { Context } from 'hono'
import type { AppEnv } from '../environment.ts'
import { Problem } from '../errors.ts'
import type { ConsoleCode } from './errors.ts'

/** Throws a Problem (403) where the form comes from another site, or where nothing says where it comes from. */
export function requireOwnForm(c: Context<AppEnv>, publicUrl: string | undefined): void {
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined ? site === 'same-origin' : isOurs(c, publicUrl)) return
  throw new Problem<ConsoleCode>('form_foreign', 'The form was not sent by a page of this console.')
}

function isOurs(c: Context<AppEnv>, publicUrl: string | undefined): boolean {
  const origin = c.req.header('origin')
  if (origin === undefined || !URL.canParse(origin)) return false
  const { host } = new URL(origin)
  return host === new URL(c.req.url).host || (publicUrl !== undefined && host === new URL(publicUrl).host)
}
