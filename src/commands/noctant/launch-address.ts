/**
 * Where a launch may lead: to a route of the hosted terminal, and back to a page of the operator. Both come from outside
 * and end up in a browser, so that both are held to what they need to be, and to nothing that browsers read generously.
 */
import { Rejected } from './rejection.ts'

/** White space, control characters and the backslash, which browsers drop or turn into something else. */
const TREACHEROUS = /[\s\p{C}\\]/u
const SCHEME = /^[a-z][a-z0-9+.-]*:/i
const DOT_SEGMENT = /(^|\/)\.{1,2}(\/|$)/

/**
 * A route of the terminal: a relative path, with or without a slash at its start; a query and a fragment may follow.
 * Rejects with launch_route_invalid where it has a scheme, an empty or a dot segment, or treacherous characters, plainly
 * or behind percent-encoding.
 */
export function relativeRoute(route: string): string {
  for (const read of [route, decoded(route)]) {
    const [path = ''] = (read ?? '').split(/[?#]/)
    const fault =
      read === undefined || TREACHEROUS.test(read) || SCHEME.test(read) || read.includes('//') || DOT_SEGMENT.test(path)
    if (fault) {
      throw new Rejected('launch_route_invalid', 'The route must be a plain relative path.', '/requested_route')
    }
  }
  return route
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** The page to come back to: absolute, without credentials, on one of these origins. Rejects with launch_return_invalid. */
export function allowedReturnUrl(url: string, allowedOrigins: readonly string[]): string {
  const reject = (detail: string): never => {
    throw new Rejected('launch_return_invalid', detail, '/return_url')
  }
  if (TREACHEROUS.test(url) || !/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) {
    return reject('The return URL must be an absolute http or https URL.')
  }
  const { origin, username, password } = new URL(url)
  if (username !== '' || password !== '') return reject('The return URL must not carry credentials.')
  if (!allowedOrigins.includes(origin)) return reject(`${origin} is not among the operator's allowed origins.`)
  return url
}

/** An origin as an operator's list has it: `https://app.example.com`, without a path. Rejects with origin_invalid. */
export function originOf(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text) return text
  throw new Rejected('origin_invalid', `${text} is no origin such as https://app.example.com.`)
}
