/** Addresses to which a buyer is sent back: https without user info; http on loopback in the sandbox alone. */
import { bareHost, isLoopback } from '../../../webhooks/address.ts'
import { invalid } from '../../errors.ts'
import { boundedText } from '../../schemas.ts'

const URL_LENGTH_MAX = 2_000
export const redirectUrl = boundedText(URL_LENGTH_MAX)
  .refine((given) => URL.canParse(given), 'must be a URL')
  .openapi({ type: 'string', format: 'uri' })

/** Throws a Problem (400) for one to which nobody is sent. */
export function requireRedirect(given: string | undefined, member: string, allowsLoopback: boolean): void {
  if (given === undefined) return
  const url = new URL(given)
  const { protocol, username, password } = url
  const host = bareHost(url)
  const isHere = allowsLoopback && protocol === 'http:' && (host === 'localhost' || isLoopback(host))
  if ((protocol === 'https:' || isHere) && username === '' && password === '') return
  throw invalid(`/${member}`, 'url_refused', 'Send an https address without user name and password.')
}
